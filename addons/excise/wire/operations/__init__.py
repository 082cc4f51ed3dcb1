"""
Calls that are no conversations: embeddings, token counts, rerank, moderation, pictures, speech, transcription.

The same idea as the chat dialects, in small: every operation has a neutral request and answer, every provider's words for it are a `Form`
that reads and writes them.

    form.py            what a form is
    document.py        one call between two forms; answers are whole documents
    registry.py        which form a call is in
    embeddings.py      and the files beside it: one an operation; `embed_*.py`: the forms of embeddings
"""
