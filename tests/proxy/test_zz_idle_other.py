import sys; sys.path[:0]=["/work/main/tests/proxy","/work/main/tests"]
from house import *
from house import post, read_answer, house, CHAT
from excise.standin import Script
async def test_it(tmp_path):
    async with house(tmp_path, idle_timeout_seconds=1.0) as at:
        reader, writer = await at.client()
        writer.write(post(CHAT, host=f"127.0.0.1:{at.port}"))
        a=await read_answer(reader, 10); print(a.status)
        at.standin.script(Script(pause_ms=400))
        body={"model":"claude-haiku-4-5","max_tokens":50,"stream":True,"messages":[{"role":"user","content":"echo: one two three four five six seven eight nine"}]}
        writer.write(post(body, path="/v1/messages", host=f"127.0.0.1:{at.port}", head="anthropic-version: 2023-06-01\r\nx-api-key: k\r\n"))
        b=await read_answer(reader, 30); print(b.status,b.whole,b.body[-200:])
        writer.close()
        print([(r["status"],r.get("error_type")) for r in at.rows()])
        assert [r["status"] for r in at.rows()]==["ok","ok"]
