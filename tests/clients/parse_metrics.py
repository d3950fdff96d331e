"""Reads a page of metrics with the parsers of `prometheus_client`.

    parse_metrics.py text|openmetrics < PAGE

Prints all samples as JSON: a list of [name, labels, value].
"""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text

parse = {"text": text, "openmetrics": openmetrics}[sys.argv[1]].text_string_to_metric_families
samples = [
    [sample.name, sample.labels, float(sample.value)]
    for family in parse(sys.stdin.read())
    for sample in family.samples
]
json.dump(samples, sys.stdout)
