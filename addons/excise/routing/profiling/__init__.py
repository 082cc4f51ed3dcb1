"""
The profile of a call, told on this machine alone: which task, how hard, how long, what the model must be able to do.

    read      bounded samples of the request, without what a harness wraps around the user's words      reading.py, wrapping.py
    look      at structure (tools, schema, fences, tables …), then at words in many languages          shapes.py, lexicon.py
    weigh     both into a task, its confidence, and the names of what decided                          tasks.py
    doubt     an unsure verdict, by word vectors, where the operator has given a model                     classifier.py
    estimate  complexity and length                                                                    difficulty.py, length.py

Bytes looked at are bounded whatever the size of the request; only counting goes over all parts.
"""

from excise.routing.profiling.profiler import profile_of

__all__ = ["profile_of"]
