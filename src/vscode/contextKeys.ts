/** Context keys for `when` clauses, set only when they change. */
import * as vscode from 'vscode';
import type { Disposable as Listening } from '../engine/ports.ts';
import type { ContextKeys } from './model/ids.ts';
import { welcomeOf } from './model/welcome.ts';
import type { Repositories } from './repositories.ts';

export type ContextKeySetter = <Key extends keyof ContextKeys>(key: Key, value: ContextKeys[Key]) => void;

export function contextKeySetter(): ContextKeySetter {
  const known = new Map<string, unknown>();
  return (key, value) => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  };
}

/** Keeps the keys that follow from the repositories up to date. */
export function followRepositories(repositories: Repositories, setKey: ContextKeySetter): Listening {
  const update = () => {
    const inputs = repositories.all.map(({ opening, failure, snapshot }) => ({ opening: opening !== undefined, failure: failure?.message, snapshot }));
    setKey('baton.welcome', welcomeOf({ trusted: repositories.trusted, folders: repositories.folderStates, repositories: inputs }, Date.now()));
    setKey('baton.available', repositories.trusted && inputs.length > 0);
    const loops = inputs.map(({ snapshot }) => snapshot?.loop);
    setKey('baton.canStart', repositories.trusted && loops.some((loop) => loop?.desired !== 'running'));
    setKey('baton.canPause', loops.some((loop) => loop?.desired === 'running'));
    setKey('baton.canStopNow', loops.some((loop) => loop !== undefined && (loop.slots_used > 0 || loop.desired !== 'stopped') && loop.state !== 'never_started'));
  };
  update();
  return repositories.onDidChange(update);
}
