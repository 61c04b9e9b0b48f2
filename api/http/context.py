"""The backend of the current app."""

from typing import cast

from flask import current_app

from recommender.backend import Backend


def backend() -> Backend:
    return cast(Backend, current_app.extensions["alsosee"])
