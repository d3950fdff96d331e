"""Lets Sentry's own normaliser judge an event.

    judge_event.py < EVENT

Prints what is wrong with it as JSON: a list of texts.
"""

import json
import sys

from sentry_relay.processing import StoreNormalizer

event = json.load(sys.stdin)
normalized = StoreNormalizer(project_id=1).normalize_event(event)
json.dump([json.dumps(error) for error in normalized.get("errors") or []], sys.stdout)
