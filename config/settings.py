"""All settings, read from the environment (and `.env`). README has the table of variables.

A missing or malformed value stops the start with one sentence that names it.
"""

import os
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

env = environ.FileAwareEnv()
env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))

SAMPLE = "only-for-this-machine"  # stands in every sample secret of .env.example


def _required(name: str) -> str:
    value = str(env(name, default=""))
    if not value:
        raise ImproperlyConfigured(f"{name} is not set.")
    return value


def _number(name: str, default: int, *, least: int = 0) -> int:
    try:
        value = int(env(name, default=str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None
    if value < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}.")
    return value


def _flag(name: str) -> bool:
    value = str(env(name, default="false")).strip().lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} must be true or false.")
    return value == "true"


def _address(name: str, schemes: set[str], default: str = "") -> str:
    value = str(env(name, default=default)).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in schemes or not (parts.hostname or parts.path):
        raise ImproperlyConfigured(
            f"{name} must be an address that starts with one of: {', '.join(sorted(schemes))}."
        )
    return value


def _zone(name: str, default: str) -> str:
    value = str(env(name, default=default))
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"{name} must be the name of a time zone, such as {default}."
        ) from None
    return value


def _pairs(name: str) -> dict[str, str]:
    pairs = {}
    for item in env.list(name, default=[]):
        key, separator, value = item.partition("=")
        if not (key and separator and value):
            raise ImproperlyConfigured(f"{name} must look like name=value,name=value.")
        pairs[key.strip()] = value.strip()
    return pairs


def _credentials(name: str) -> list[str]:
    found = [item.strip() for item in env.list(name, default=[])]
    for item in found:
        user, separator, password = item.partition(":")
        if not (user and separator and password):
            raise ImproperlyConfigured(f"{name} must look like user:password,user:password.")
        if not DEBUG and (len(password) < 16 or SAMPLE in password):
            raise ImproperlyConfigured(
                f"{name} needs passwords of 16 characters or more, of your own."
            )
    return found


# ── This installation ─────────────────────────────────────────────────────────────────────────────

DEBUG = _flag("DEBUG")
SECRET_KEY = _required("SECRET_KEY")
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", default=[])
if not FIELD_KEYS:
    raise ImproperlyConfigured("FIELD_KEYS is not set.")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost"] if DEBUG else []
)
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set.")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"]
if not DEBUG and any(SAMPLE in value for value in (SECRET_KEY, *FIELD_KEYS)):
    raise ImproperlyConfigured(
        "SECRET_KEY and FIELD_KEYS still hold the sample values of .env.example."
    )

# ── The two systems outside ───────────────────────────────────────────────────────────────────────

TAPRAISE_URL = _address("TAPRAISE_URL", {"http", "https"})
# name → file with a token; read again on a 401, so that a token is replaced without a restart.
TAPRAISE_ACCOUNTS = _pairs("TAPRAISE_ACCOUNTS")
TAPRAISE_TOKEN = str(env("TAPRAISE_TOKEN", default=""))
# Read at the start by the line above; the file is kept for the same reason as those of accounts.
TAPRAISE_TOKEN_FILE = os.environ.get("TAPRAISE_TOKEN_FILE", "")
if not (TAPRAISE_ACCOUNTS or TAPRAISE_TOKEN):
    raise ImproperlyConfigured("TAPRAISE_TOKEN (or TAPRAISE_ACCOUNTS) is not set.")
# The documents name no limit; 100 is what the client asks for unless told otherwise.
TAPRAISE_PAGE_SIZE = _number("TAPRAISE_PAGE_SIZE", 100, least=1)
# status → the action that brings a pledge to it; no document names them. Unset: not offered.
TAPRAISE_PLEDGE_ACTIONS = _pairs("TAPRAISE_PLEDGE_ACTIONS")
if unknown := TAPRAISE_PLEDGE_ACTIONS.keys() - {"active", "dropped", "cancelled", "fulfilled"}:
    raise ImproperlyConfigured(
        f"TAPRAISE_PLEDGE_ACTIONS names {', '.join(sorted(unknown))}, which is no status of a "
        "pledge: use active, dropped, cancelled or fulfilled."
    )
_is_sandbox = TAPRAISE_TOKEN == "sandbox" or urlsplit(TAPRAISE_URL).scheme != "https"  # noqa: S105
if _is_sandbox and not DEBUG:
    raise ImproperlyConfigured(
        "TAPRAISE_URL and TAPRAISE_TOKEN must be those of the real TapRaise when DEBUG is false."
    )

# Payment links, texts and e-Mandates. Unset: the product works without them and offers none.
ALPHACOMM_URL = (
    _address("ALPHACOMM_URL", {"http", "https"}) if env("ALPHACOMM_URL", default="") else ""
)
ALPHACOMM_TOKEN = str(env("ALPHACOMM_TOKEN", default=""))
ALPHACOMM_TOKEN_FILE = os.environ.get("ALPHACOMM_TOKEN_FILE", "")
if ALPHACOMM_URL and not ALPHACOMM_TOKEN:
    raise ImproperlyConfigured("ALPHACOMM_TOKEN is not set, and ALPHACOMM_URL is.")
# Who may tell us what happened, as user:password; two of them while one takes over. Unset: nobody.
ALPHACOMM_WEBHOOK_CREDENTIALS = _credentials("ALPHACOMM_WEBHOOK_CREDENTIALS")
_is_sandbox = ALPHACOMM_TOKEN == "sandbox" or urlsplit(ALPHACOMM_URL).scheme == "http"  # noqa: S105
if _is_sandbox and not DEBUG:
    raise ImproperlyConfigured(
        "ALPHACOMM_URL and ALPHACOMM_TOKEN must be those of the real Alphacomm when DEBUG is false."
    )
if "alphacomm" in TAPRAISE_ACCOUNTS:
    raise ImproperlyConfigured(
        "TAPRAISE_ACCOUNTS names alphacomm, which is how Alphacomm's own account is called: "
        "choose another name."
    )

# What each message that leaves means; found by path so that no import points upwards.
OPERATIONS = {
    "tapraise.add_attempt": "calls.operations.add_attempt",
    "tapraise.complete_call": "calls.operations.complete_call",
    "tapraise.cancel_call": "calls.operations.cancel_call",
    "tapraise.expire_call": "calls.operations.expire_call",
    "tapraise.create_call": "calls.operations.create_call",
    "tapraise.create_pledge": "pledges.operations.create_pledge",
    "tapraise.update_pledge": "pledges.operations.update_pledge",
    "tapraise.update_pledge_status": "pledges.operations.update_pledge_status",
    "alphacomm.create_pay_link": "pledges.operations.create_pay_link",
    "alphacomm.add_rows": "calls.operations.add_rows",
    "alphacomm.add_file": "calls.operations.add_file",
    "alphacomm.create_mandate": "pledges.operations.create_mandate",
    "alphacomm.stop_calling": "pledges.operations.stop_calling",
}
# What each event that comes in means, found in the same way. Alphacomm's document names
# PayLinkVisited, PayLinkPaid and VoiceCallCompleted; events of other kinds are kept and counted.
EVENTS = {
    "PayLinkVisited": "pledges.events.pay_link",
    "PayLinkPaid": "pledges.events.pay_link",
    "VoiceCallCompleted": "pledges.events.voice_call",
}
# Where the page of the inbox leads to from an event.
EVENT_LEADS = "pledges.event_leads.leads"
# Of whom a user is shown nothing: asked by rooms that do not know who speaks with whom.
HIDDEN_PERSONS = "calls.strangers.hidden_persons"
UNDO_SECONDS = _number("UNDO_SECONDS", 10)
# From how many donors on a message in bulk may go to Alphacomm as one file. Its document advises
# files for a thousand and more, and forbids none; a demo has fewer donors than that.
LEAST_FOR_FILE = _number("LEAST_FOR_FILE", 50 if DEBUG else 1_000, least=1)
# Where lists lie for a day after they were written as files: read by web, written by workers.
EXPORTS_DIR = Path(str(env("EXPORTS_DIR", default="")) or VAR_DIR / "exports")
# Rows of one such file; a sheet of Excel holds 1,048,575 at most.
EXPORT_MOST_ROWS = _number("EXPORT_MOST_ROWS", 1_000_000, least=1)

# ── Django ────────────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "calls",
    "pledges",
    "integrations",
    "accounts",
    "accounts.admin_site.OverviewConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
    "heroicons",
    "template_partials.apps.SimpleAppConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Its random padding keeps a secret in a page from being guessed by the page's size.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.session_limits",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.private_pages",
    "accounts.middleware.htmx_sign_in",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.second_factor",
    "accounts.middleware.chosen_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Kept while DEBUG is true as well: read anew they are half of what a page costs. A changed template
# is seen after a restart, as changed Python is.
_loaders = [
    (
        "django.template.loaders.cached.Loader",
        [
            "django.template.loaders.filesystem.Loader",
            "django.template.loaders.app_directories.Loader",
        ],
    )
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", _loaders)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "template_partials.templatetags.partials",
            ],
        },
    }
]

# ── Database: the queue of record ─────────────────────────────────────────────────────────────────

_database_default = f"sqlite:///{VAR_DIR / 'belbord.sqlite3'}" if DEBUG else ""
if not env("DATABASE_URL", default=_database_default):
    raise ImproperlyConfigured("DATABASE_URL is not set.")
try:
    _database = env.db("DATABASE_URL", default=_database_default)
except (ValueError, ImproperlyConfigured):
    raise ImproperlyConfigured(
        "DATABASE_URL must be a postgres:// or sqlite:/// address."
    ) from None
if _database["ENGINE"].endswith("sqlite3"):
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # A file, not memory: the tests' threads and processes meet in it as they do in production.
    _database["TEST"] = {"NAME": str(VAR_DIR / "tests.sqlite3")}
    _database["OPTIONS"] = {
        "timeout": 20,
        # A read that turns into a write fails at once under any other mode, whatever the timeout.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA journal_size_limit=27103364;",
    }
elif _database["ENGINE"].endswith("postgresql"):
    # What a connection has learned goes with it.
    _database["CONN_MAX_AGE"] = 600
    _database["CONN_HEALTH_CHECKS"] = True
    # A silent database costs seconds, not the default of minutes.
    _database["OPTIONS"] = {"connect_timeout": 5}
    if env.bool("KEEP_PLANS", default=True):
        # None is kept by itself, however often it is executed: accounts/prepared.py says which are.
        _database["OPTIONS"]["prepare_threshold"] = sys.maxsize
else:
    raise ImproperlyConfigured("DATABASE_URL must be a postgres:// or sqlite:/// address.")
DATABASES = {"default": _database}

# In the database, so that a sign-in is throttled the same while Redis is away.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
    }
}

# ── Celery: only wakes somebody up ────────────────────────────────────────────────────────────────

EMBEDDED_BROKER_PORT = 8379
_redis_default = f"redis://127.0.0.1:{EMBEDDED_BROKER_PORT}/0" if DEBUG else ""
if not env("REDIS_URL", default=_redis_default):
    raise ImproperlyConfigured("REDIS_URL is not set.")
CELERY_BROKER_URL = _address("REDIS_URL", {"redis", "rediss", "amqp", "amqps"}, _redis_default)
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 75
CELERY_TASK_DEFAULT_QUEUE = "send"
CELERY_TIMEZONE = "UTC"
# A publish may not cost an agent time: see integrations/outbox.py for the rest of that promise.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    # kombu looks only every interval × throttle seconds; its own default is 100 s.
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}

# ── People ────────────────────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Belbord"
# A whole shift may sign in from one address; guessing at one name is throttled much sooner.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip"}
# In production one proxy ends TLS (SECURE_PROXY_SSL_HEADER below): the address before it counts.
ALLAUTH_TRUSTED_PROXY_COUNT = 0 if DEBUG else 1

SESSION_COOKIE_AGE = 10 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

# ── Security ──────────────────────────────────────────────────────────────────────────────────────

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
if not DEBUG:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrf"

# ── Language and time ─────────────────────────────────────────────────────────────────────────────

LANGUAGE_CODE = "nl"
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = _zone("TIME_ZONE", "Europe/Amsterdam")
FORMAT_MODULE_PATH = ["config.formats"]

# ── Static files ──────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# ── Logs: JSON, UTC, ids only ─────────────────────────────────────────────────────────────────────

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING" if DEBUG else "INFO"},
}
