import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';

/** The folder that the harness opened: a git repository that Baton has not touched. */
function root(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'no folder is open');
  return folder.uri.fsPath;
}

function uri(scheme: string, name: string, query: object): vscode.Uri {
  return vscode.Uri.from({ scheme, path: `/${name}`, query: JSON.stringify(query) });
}

/** Resolves when the document's text fits, told by its changes. */
function untilText(document: vscode.TextDocument, fits: (text: string) => boolean): Promise<void> {
  return new Promise((done, fail) => {
    const giveUp = setTimeout(() => {
      listening.dispose();
      fail(new Error(`The text never came. It is:\n${document.getText()}`));
    }, 20_000);
    const look = () => {
      if (!fits(document.getText())) return;
      clearTimeout(giveUp);
      listening.dispose();
      done();
    };
    const listening = vscode.workspace.onDidChangeTextDocument((event) => event.document === document && look());
    look();
  });
}

describe('Baton’s documents in VS Code', () => {
  before(() => vscode.extensions.getExtension('baton-dev.baton')?.activate());
  after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('leave a repository untouched until the user asks for something', () => {
    assert.equal(existsSync(path.join(root(), '.baton')), false);
  });

  it('show a file as it is in a commit, whatever the checkout holds (row 224)', async () => {
    const sha = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root(), encoding: 'utf8' }).trim();
    const committed = execFileSync('git', ['show', 'HEAD:README.md'], { cwd: root(), encoding: 'utf8' });
    const document = await vscode.workspace.openTextDocument(uri('baton-git', 'README.md', { root: root(), sha, path: 'README.md' }));
    assert.equal(document.getText(), committed);
    assert.equal(document.languageId, 'markdown');
    const missing = await vscode.workspace.openTextDocument(uri('baton-git', 'none.md', { root: root(), sha, path: 'none.md' }));
    assert.equal(missing.getText(), '');
  });

  it('show a transcript that grows while it is open (row 239)', async () => {
    const folder = path.join(root(), '.baton', 'runs', 'sample', 'a1');
    mkdirSync(folder, { recursive: true });
    try {
      const file = path.join(folder, 'transcript.jsonl');
      const entry = (text: string) => `${JSON.stringify({ at: '2030-05-17T12:00:00.000Z', type: 'user', text })}\n`;
      writeFileSync(file, entry('First words'));
      const document = await vscode.workspace.openTextDocument(uri('baton-transcript', 'sample a1.md', { root: root(), task: 'sample', attempt: 'a1' }));
      await vscode.window.showTextDocument(document);
      assert.match(document.getText(), /First words/);
      appendFileSync(file, entry('Second words').slice(0, 20));
      appendFileSync(file, entry('Second words').slice(20));
      await untilText(document, (text) => text.includes('Second words'));
      assert.match(document.getText(), /First words[^]*Second words/);
    } finally {
      rmSync(path.join(root(), '.baton'), { recursive: true, force: true });
    }
  });

  it('say so when a transcript has no words yet', async () => {
    const document = await vscode.workspace.openTextDocument(uri('baton-transcript', 'none a1.md', { root: root(), task: 'none', attempt: 'a1' }));
    assert.equal(document.getText(), 'Nothing has been said yet.\n');
  });
});
