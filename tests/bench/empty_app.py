"""The reference for HTTP, `python -m tests.bench.empty_app PORT`: its one POST does nothing."""

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/empty")
async def empty() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(
        app,
        port=port,
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_config=None,
        timeout_keep_alive=65,
    )
