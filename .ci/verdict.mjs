/**
 * Ends a CI run: `node .ci/verdict.mjs <vitest's JSON report> <vitest's exit status>`.
 *
 * Prints "N passed, N failed" (", N skipped" where there are any) as the last line. The run fails when vitest did,
 * when nothing ran, and when a test was skipped that ALLOWED does not name: a skipped test proves nothing.
 */
import { readFileSync } from 'node:fs';

/** Full test names that may be skipped in CI, each with the reason. */
const ALLOWED = new Map();

const [, , file, status] = process.argv;
const problems = status === '0' ? [] : [`vitest ended with exit status ${status}`];
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  for (const suite of report.testResults) {
    // A file that could not even be loaded has no tests to count; it counts as one failure.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) failed++;
    for (const { status: result, fullName } of suite.assertionResults) {
      if (result === 'passed') passed++;
      else if (result === 'failed') failed++;
      else {
        skipped++;
        if (!ALLOWED.has(fullName)) problems.push(`skipped: ${fullName}`);
      }
    }
  }
} catch (error) {
  problems.push(`vitest left no report: ${error.message}`);
}
if (passed === 0) problems.push('no test passed');
for (const problem of problems) console.log(problem);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(problems.length > 0 || failed > 0 ? 1 : 0);
