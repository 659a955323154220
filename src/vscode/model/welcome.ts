/** What the empty views say, and the notices above a queue that is not empty. */
import type { AgentView, Snapshot } from '../../shared/api.ts';
import { showsTasks, type Notice } from './queue.ts';
import { stoppedByItself } from './status.ts';

/** Where a workspace folder stands. */
export type FolderState = 'checking' | 'no_git' | 'old_git' | 'not_repository' | 'repository';

export interface WelcomeInput {
  readonly trusted: boolean;
  readonly folders: readonly FolderState[];
  readonly repositories: readonly { readonly opening: boolean; readonly failure: string | undefined; readonly snapshot: Snapshot | undefined }[];
}

/** Value of the context key `baton.welcome`, which the viewsWelcome entries of package.json test. */
export const WELCOMES = [
  'no_folder',
  'untrusted',
  'checking',
  'no_git',
  'old_git',
  'not_repository',
  'not_in_use',
  'no_agent',
  'never_started',
  'no_tasks',
  'ready',
] as const;
export type Welcome = (typeof WELCOMES)[number];

/** `now` is epoch milliseconds. */
export function welcomeOf(input: WelcomeInput, now: number): Welcome {
  if (input.folders.length === 0) return 'no_folder';
  if (!input.trusted) return 'untrusted';
  if (input.repositories.length === 0) {
    // The nearest to a repository decides: what is to be done about it is most worth saying.
    const order = ['checking', 'no_git', 'old_git', 'not_repository'] as const;
    return order.find((state) => input.folders.includes(state)) ?? 'not_repository';
  }
  if (input.repositories.some((repository) => repository.opening)) return 'checking';
  if (input.repositories.some((repository) => repository.failure !== undefined)) return 'ready';
  const snapshots = input.repositories.flatMap((repository) => repository.snapshot ?? []);
  if (snapshots.length === 0) return 'not_in_use';
  if (!snapshots.some((snapshot) => showsTasks(snapshot, now))) {
    if (snapshots.every((snapshot) => lacksAgent(snapshot.agents))) return 'no_agent';
    return snapshots.every((snapshot) => snapshot.loop.state === 'never_started') ? 'never_started' : 'no_tasks';
  }
  return 'ready';
}

/** What stands above the tasks of a repository, if something keeps them all from running. */
export function noticeOf(repository: WelcomeInput['repositories'][number]): Notice | undefined {
  if (repository.failure !== undefined) {
    return { label: 'Baton could not open this repository', description: repository.failure, icon: 'error', command: 'baton.refresh' };
  }
  const { snapshot } = repository;
  if (snapshot === undefined || snapshot.tasks.length === 0) return undefined;
  if (lacksAgent(snapshot.agents)) {
    return { label: 'No coding agent found', description: 'show how to install one', icon: 'warning', command: 'baton.installAgent' };
  }
  if (snapshot.loop.state === 'never_started') {
    return { label: 'Nothing runs before you start Baton', description: 'start', icon: 'play', command: 'baton.start' };
  }
  return undefined;
}

/** One line over the queue while the loop does not take new tasks. */
export function queueMessage(snapshots: readonly Snapshot[]): string | undefined {
  if (snapshots.length === 0 || snapshots.every((snapshot) => snapshot.tasks.length === 0)) return undefined;
  const [first] = snapshots;
  if (first === undefined || snapshots.some((snapshot) => snapshot.loop.state !== first.loop.state)) return undefined;
  switch (first.loop.state) {
    case 'paused':
      return 'Paused: nothing new starts until you choose Start.';
    case 'stopping':
      return 'Stopping: running tasks finish, nothing new starts.';
    case 'stopped':
      return stoppedByItself(first.loop) ? `Stopped: ${first.loop.reason ?? ''}` : 'Stopped. Start to go on where the tasks were.';
    case 'running':
    case 'never_started':
      return undefined;
  }
}

export function lacksAgent(agents: readonly AgentView[]): boolean {
  return !agents.some((agent) => agent.available);
}
