/**
 * For a suite whose tests go on from each other: after the first that fails its others are skipped, and counted so. Unlike mocha's `bail`, which
 * silently leaves out a whole suite when a test of any earlier file has failed, it looks at its own tests only.
 */
export function oneStory(): void {
  let broken = false;
  beforeEach('the story so far', function () {
    if (broken) this.skip();
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') broken = true;
  });
}
