"""What the tests set before Django is loaded; DATABASE_URL and REDIS_URL may come from outside."""

import os

os.environ["ENV_FILE"] = os.devnull
os.environ.update(
    DEBUG="true",
    SECRET_KEY="tests-only-for-this-machine",
    FIELD_KEYS="tests-only-for-this-machine",
    TAPRAISE_URL="http://127.0.0.1:9",
    TAPRAISE_TOKEN="sandbox",
    ALPHACOMM_URL="http://127.0.0.1:9",
    ALPHACOMM_TOKEN="sandbox",
    ALPHACOMM_WEBHOOK_CREDENTIALS="alphacomm:tests-only-for-this-machine",
    UNDO_SECONDS="10",
    LEAST_FOR_FILE="1000",
)
os.environ.setdefault("DATABASE_URL", "sqlite:///var/belbord.sqlite3")
# The Redis named from outside is for the product that some stories start (tests/product.py). In
# this process no broker answers: nudges are lost, as they may be, and no real queue is littered.
os.environ.setdefault("PRODUCT_REDIS_URL", os.environ.get("REDIS_URL", ""))
os.environ["REDIS_URL"] = "redis://127.0.0.1:9/0"
# What a test commits need not survive a power cut: PostgreSQL may answer before the disk does.
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")
