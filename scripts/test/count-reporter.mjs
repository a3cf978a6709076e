import { writeFileSync } from 'node:fs';

/**
 * A vitest reporter that writes `{ passed, failed, skipped }` to the file in MILLRACE_TEST_COUNTS. Beyond tests it
 * counts as failed: a file that could not be loaded, an unhandled error, and a skipped test that does not say why
 * (`context.skip('no adapter')`, or "skipped: …" in its name).
 */
export class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      // Errors of a file or a group itself: an import that fails, a beforeAll that throws.
      const groups = [module, ...module.children.allSuites()];
      counts.failed += groups.filter((group) => group.errors().length > 0).length;
      for (const test of tests) this.count(test, counts);
    }
    const file = process.env.MILLRACE_TEST_COUNTS;
    if (file) writeFileSync(file, JSON.stringify(counts));
  }

  count(test, counts) {
    const result = test.result();
    if (result.state === 'passed') counts.passed++;
    else if (result.state === 'skipped') this.countSkipped(test, result.note, counts);
    else counts.failed++;
  }

  countSkipped(test, note, counts) {
    const reason = note ?? /skipped: (.*)/.exec(test.fullName)?.[1];
    console.log(
      `skipped ${test.fullName}: ${reason ?? "no reason given, which counts as a failure: use context.skip('why')"}`,
    );
    if (reason) counts.skipped++;
    else counts.failed++;
  }
}

// vitest takes a reporter's file by its default export.
export { CountReporter as default };
