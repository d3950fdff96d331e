// Parses queries with the grammars that Grafana's editors use.
//
// Reads [{ language, text }] from standard input and prints, for each one in turn, where the grammar
// found a mistake: [[from, to], ..], empty for none.

import { text } from 'node:stream/consumers';
import { parser as logql } from '@grafana/lezer-logql';
import { parser as traceql } from '@grafana/lezer-traceql';
import { parser as promql } from '@prometheus-io/lezer-promql';

const parsers = { logql, promql, traceql };

const mistakes = ({ language, text }) => {
  const found = [];
  parsers[language].parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) found.push([from, to]);
    },
  });
  return found;
};

const queries = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(queries.map(mistakes)));
