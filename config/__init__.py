"""Settings, addresses and the worker's app. Nothing imports this room."""

from config.celery import app as celery_app

__all__ = ("celery_app",)
