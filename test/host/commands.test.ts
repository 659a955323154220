import assert from 'node:assert/strict';
import * as vscode from 'vscode';

interface Manifest {
  readonly contributes?: { readonly commands?: readonly { readonly command: string }[] };
}

const ID = 'baton-dev.baton';

describe('the extension in VS Code', () => {
  let extension: vscode.Extension<unknown>;

  before(async () => {
    const found = vscode.extensions.getExtension(ID);
    assert.ok(found, `${ID} is not installed`);
    extension = found;
    await extension.activate();
  });

  it('activates', () => {
    assert.equal(extension.isActive, true);
  });

  it('registers every command that its manifest declares, and declares every command that it registers', async () => {
    const declared = ((extension.packageJSON as Manifest).contributes?.commands ?? []).map((each) => each.command);
    const registered = (await vscode.commands.getCommands(true)).filter((id) => id.startsWith('baton.') && !isOfVsCode(id));
    assert.deepEqual(registered.sort(), [...declared].sort());
  });
});

/** VS Code itself adds commands to each view and view container (`ID.focus`, `ID.open`, `ID.resetViewLocation`, …). */
function isOfVsCode(id: string): boolean {
  return /\.(focus|open|resetViewLocation|removeView|toggleVisibility)$/.test(id);
}
