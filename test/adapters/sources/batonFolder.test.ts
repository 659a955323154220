import assert from 'node:assert/strict';
import { ensureBatonFolder } from '../../../src/adapters/sources/batonFolder.ts';
import { makeRepo } from '../../support/repo.ts';

describe('the folder .baton', () => {
  it('keeps what a crash leaves of its own writing out of git, and nothing of the user’s', async () => {
    const repo = await makeRepo();
    await ensureBatonFolder(repo.root);
    await repo.write({ '.baton/.checkpoint.json.tmp': '{', '.baton/tasks/.one.md.4711.draft': 'half', '.baton/tasks/one.md': 'whole' });
    assert.deepEqual((await repo.git('ls-files', '--others', '--exclude-standard')).split('\n'), ['.baton/.gitignore', '.baton/tasks/one.md']);
  });
});
