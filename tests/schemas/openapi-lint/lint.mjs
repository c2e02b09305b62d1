// Usage: node lint.mjs DOCUMENT. Prints what is wrong with an OpenAPI document; exits with 1 if
// anything is.
import { fileURLToPath } from 'node:url';
import { formatProblems, getTotals, lint, loadConfig } from '@redocly/openapi-core';

const configPath = fileURLToPath(new URL('redocly.yaml', import.meta.url));
const config = await loadConfig({ configPath });
const problems = await lint({ ref: process.argv[2], config });
const totals = getTotals(problems);
if (problems.length > 0) {
  formatProblems(problems, { format: 'stylish', totals, version: '' });
}
process.exitCode = totals.errors + totals.warnings > 0 ? 1 : 0;
