import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';

const TODO = 'Queue a Baton Task for This TODO';
const PROBLEM = 'Queue a Baton Task to Fix This';

function fileIn(name: string, text: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'no folder is open');
  const file = path.join(folder.uri.fsPath, name);
  writeFileSync(file, text);
  return vscode.Uri.file(file);
}

const titles = async (uri: vscode.Uri, line: number): Promise<string[]> =>
  ((await vscode.commands.executeCommand<vscode.CodeAction[] | undefined>('vscode.executeCodeActionProvider', uri, new vscode.Range(line, 0, line, 3))) ?? []).map(({ title }) => title);

/** Until the extension has found the repository it offers nothing. */
async function untilOffered(uri: vscode.Uri, line: number, title: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await titles(uri, line)).includes(title)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`"${title}" was not offered, but ${(await titles(uri, line)).join(', ')}`);
}

describe('Tasks from what is in the editor (row 242)', () => {
  let uri: vscode.Uri;
  before(async () => {
    await vscode.extensions.getExtension('baton-dev.baton')?.activate();
    uri = fileIn('imports-under-test.js', '// nothing here\n// TODO: round half cents up\nlet x = 1;\n');
    await vscode.workspace.openTextDocument(uri);
  });
  after(() => rmSync(uri.fsPath));

  it('are offered for a TODO at its line, and nowhere else', async () => {
    await untilOffered(uri, 1, TODO);
    assert.deepEqual((await titles(uri, 0)).filter((title) => title === TODO), []);
  });

  it('are offered for a problem at its place', async () => {
    const problems = vscode.languages.createDiagnosticCollection('under-test');
    try {
      problems.set(uri, [new vscode.Diagnostic(new vscode.Range(2, 0, 2, 3), 'x is never used', vscode.DiagnosticSeverity.Warning)]);
      await untilOffered(uri, 2, PROBLEM);
    } finally {
      problems.dispose();
    }
  });
});
