"""The HTTP application."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.access.admission import Admission
from api.access.lobby import Lobby
from api.http import analytics, context, health, memory, problems, purges, retention, reviews, sessions, turns
from api.http.gate import Gate
from api.http.middleware import Around
from api.services import Services, open_services
from api.settings import Settings
from api.version import VERSION

_DESCRIPTION = """Session memory for assistants that do work: post every turn, ask for context before each
model call, and get only the prior turns that this turn needs, inside a hard token budget."""


def create_app(
    settings: Settings,
    *,
    opening: Callable[[Settings], AbstractContextManager[Services]] = open_services,
) -> FastAPI:
    """Return the application; what it needs is opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with opening(settings) as opened:
            app.state.services = opened
            yield

    # The page of the API brings its scripts along: no one else's server learns of it, and it works offline.
    app = FastAPIOffline(
        title="Satchel",
        version=VERSION,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # short, and what links say
    )
    problems.install(app)
    for part in (turns, context, sessions, memory, purges, retention, reviews, analytics):
        app.include_router(part.router, responses=problems.DOCUMENTED)
    app.include_router(health.router)
    app.state.lobby = lobby(settings)
    app.add_middleware(Gate, lobby=app.state.lobby)  # the one added last is the outermost
    app.add_middleware(Around, max_body_bytes=settings.max_body_bytes)
    return app


def lobby(settings: Settings) -> Lobby:
    """Return the lobby, its lanes by what requests mostly do: compute, wait for a disk, say who they are."""
    cores = len(os.sched_getaffinity(0))
    # With the index in this process, recall waits for nothing.
    recalls = max(1, cores // 2) if settings.qdrant_url is None else max(2, cores)
    places = {
        "recalls": settings.max_recalls or recalls,
        "others": settings.max_concurrent or max(2, cores),
        "strangers": 2,
    }
    return Lobby(**{name: Admission(count, settings.burst_seconds) for name, count in places.items()})
