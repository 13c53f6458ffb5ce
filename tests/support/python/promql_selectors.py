"""Prints a query for each selector of PromQL expressions, as a JSON array without duplicates.

    promql_selectors.py EXPRESSION...

Such a query returns a series if the metric exists, has the labels that the expression names, and the values that it requires by "=".
Other matchers, such as `status=~"5.."`, become "has this label", because no series may match them at present.
"""

import json
import sys

import promql_parser
from promql_parser import AggregateExpr, AggModifierType, MatchOp, VectorSelector


def grouping(node):
    """Returns the labels that an aggregation keeps."""
    if isinstance(node, AggregateExpr) and node.modifier and node.modifier.type == AggModifierType.By:
        return node.modifier.labels
    return []


def selectors(expression):
    """Yields a query for each selector of an expression."""
    found, kept = [], []

    def enter(node):
        kept.append(grouping(node))
        if isinstance(node, VectorSelector):
            labels = {label: f'{label}=~".+"' for group in kept for label in group}
            for matcher in node.matchers.matchers:
                if matcher.op == MatchOp.Equal:
                    labels[matcher.name] = f"{matcher.name}={json.dumps(matcher.value)}"
                else:
                    labels.setdefault(matcher.name, f'{matcher.name}=~".+"')
            found.append(f"{node.name}{{{','.join(sorted(labels.values()))}}}")

    def leave(_):
        kept.pop()

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return found


print(json.dumps(sorted({found for expression in sys.argv[1:] for found in selectors(expression)})))
