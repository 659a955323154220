/** The few doors between the engine and the world, by subject in ports/. Makers live in adapters/; hosts hand them in. */
import type { ExporterMakers } from './exporters.ts';
import type { Agents } from './ports/agents.ts';
import type { Clock, Log } from './ports/basics.ts';
import type { Forge } from './ports/forge.ts';
import type { Gates } from './ports/gates.ts';
import type { Processes } from './ports/processes.ts';
import type { Runners } from './ports/runners.ts';
import type { RunFiles, RunLog } from './ports/runs.ts';
import type { Sources } from './ports/sources.ts';
import type { Store } from './ports/store.ts';
import type { Webhook } from './ports/webhook.ts';
import type { Workspace } from './ports/workspace.ts';

export type * from './ports/agents.ts';
export type * from './ports/basics.ts';
export type * from './ports/forge.ts';
export type * from './ports/gates.ts';
export type * from './ports/processes.ts';
export type * from './ports/runners.ts';
export type * from './ports/runs.ts';
export type * from './ports/sources.ts';
export type * from './ports/store.ts';
export type * from './ports/webhook.ts';
export type * from './ports/workspace.ts';

export interface Crypto {
  /** SHA-256, hex. */
  hash(text: string): string;
  /** A random id, 12 characters or more, safe in file names. */
  id(): string;
}

/** Everything the engine is given. */
export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly agents: Agents;
  readonly runners: Runners;
  readonly workspace: Workspace;
  readonly forge: Forge;
  readonly gates: Gates;
  readonly processes: Processes;
  readonly sources: Sources;
  readonly runs: RunFiles;
  readonly runLog: RunLog;
  readonly crypto: Crypto;
  readonly webhook: Webhook;
  readonly repository: {
    /** Absolute path of the main checkout. */
    readonly root: string;
    readonly name: string;
    /** Short stable hash of the git common dir; first part of every mark. */
    readonly key: string;
  };
  /** Follows links: the path relative to the folder with `/`, or null when it leads out of it. The file need not exist. */
  readonly resolvePath: (folder: string, path: string) => Promise<string | null>;
  /** Writes `.baton/checkpoint.json` (atomic). */
  readonly writeCheckpoint: (checkpoint: Record<string, unknown>) => Promise<void>;
  readonly exporters: ExporterMakers;
}
