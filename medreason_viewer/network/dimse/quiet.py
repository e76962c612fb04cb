"""pynetdicom, kept from logging what it carries: names of patients, at every level from debug to error."""

from __future__ import annotations

import logging

from pynetdicom import _config

_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.STORE_SEND_CHUNKED_DATASET = True  # the file's own bytes, neither parsed nor encoded anew
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
