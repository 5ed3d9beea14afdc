"""The process: stdin and stdout claimed for frames, the log started, the sidecar served until the other end is gone."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime
from typing import NoReturn

from handoff_sidecar.folders import Folders, cache_folder, log_folder, state_folder
from handoff_sidecar.rpc.stdio import PipeSink, PipeSource, claim_stdio
from handoff_sidecar.settings import config_folder
from handoff_sidecar.sidecar.app import Sidecar
from handoff_sidecar.sidecar.logs import start_logging

log = logging.getLogger(__name__)


def run_on_stdio() -> NoReturn:
    """Be the sidecar of the process at the other end of stdin and stdout, until it is gone; then end the process.

    OpenCode waits for that when it quits, and Python would spend 0.3 s on freeing one object after the other
    (measured beside an `opencode run` that ends, with the vocabulary loaded). All is written by then.
    """
    incoming_fd, outgoing_fd = claim_stdio()
    start_logging(log_folder())
    try:
        asyncio.run(_serve(incoming_fd, outgoing_fd))
    except Exception:
        log.critical("the sidecar crashed", exc_info=True)  # for the doctor; the shim gets it from stderr
        raise
    logging.shutdown()
    os._exit(0)


async def _serve(incoming_fd: int, outgoing_fd: int) -> None:
    sidecar = Sidecar(
        PipeSource(incoming_fd),
        PipeSink(outgoing_fd),
        Folders(config_folder(), state_folder(), cache_folder()),
        now=lambda: datetime.now(UTC),
    )
    await sidecar.run()
