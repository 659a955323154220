import assert from 'node:assert/strict';
import { createForge } from '../../../src/adapters/forge/gh.ts';
import { pathWithoutGh } from '../../support/gh.ts';
import { newMark } from '../../support/processes.ts';
import { makeRepo } from '../../support/repo.ts';

describe('Pull requests through gh (row 226)', () => {
  it('say what to install where there is no gh, before anything is pushed', async function () {
    if (process.platform === 'win32') this.skip();
    const repo = await makeRepo();
    await repo.git('remote', 'add', 'origin', 'https://127.0.0.1:9/nowhere.git');
    const sha = await repo.git('rev-parse', 'HEAD');
    const before = process.env['PATH'];
    process.env['PATH'] = pathWithoutGh();
    try {
      const forge = createForge({ root: repo.root, places: [] });
      const opened = forge.open({ branch: 'baton/one', sha, target: 'main', title: 'Say hello', body: '' }, { mark: newMark(), signal: new AbortController().signal });
      await assert.rejects(opened, { kind: 'unsupported', message: /needs the GitHub CLI gh, and it was not found/, hint: /Install it/ });
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('start nothing once they are stopped', async () => {
    const repo = await makeRepo();
    const forge = createForge({ root: repo.root });
    await repo.git('remote', 'add', 'origin', 'https://127.0.0.1:9/nowhere.git');
    await assert.rejects(forge.fetch('main', { mark: newMark(), signal: AbortSignal.abort() }), { kind: 'refused', message: 'git fetch was stopped.' });
  });
});
