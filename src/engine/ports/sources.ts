/** Task definitions, configuration and schedules as files. */
import type { Config, PermissionRule } from '../../core/config/schema.ts';
import type { Location, Problem } from '../../core/errors.ts';
import type { Role } from '../../core/execution.ts';
import type { Schedule } from '../../core/scheduleSchema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import type { Disposable } from './basics.ts';

/** Task definitions and configuration as files, with what is wrong in them. */
export interface Sources {
  tasks(): Promise<{ tasks: SourcedTask[]; problems: Problem[] }>;
  /** The last valid configuration stays in force; `valid` says whether it is what the file says now. */
  config(): Promise<{ config: Config; problems: Problem[]; valid: boolean }>;
  /** Where a key of the configuration stands, or the file's beginning where it is not written. */
  locate(key: readonly string[]): Promise<Location>;
  /** The user's own prompt for a role (`.baton/prompts/<role>.md`); undefined where there is none. */
  prompt(role: Role): Promise<string | undefined>;
  /** Schedules that can queue their task, and what is wrong with the others and with the templates. */
  schedules(): Promise<{ schedules: SourcedSchedule[]; problems: Problem[] }>;
  stopRequested(stopHookFile: string): Promise<boolean>;
  /** Writes `.baton/tasks/<slug>.md`; returns its path relative to the repository. Never overwrites. */
  addTask(task: TaskDefinition): Promise<string>;
  /** Takes a task's definition out of its file (comments and order of others stay), or removes the file that is its alone; null where there is none. */
  removeTask(taskId: string): Promise<string | null>;
  /** Writes an exact rule into the configuration, where it has its effect; returns the file, relative to the repository. Comments and order stay. */
  addPermission(rule: PermissionRule): Promise<string>;
  /** Calls back soon after any of these files changed. */
  watch(onChange: (what: 'tasks' | 'config' | 'stop' | 'schedules') => void, stopHookFile: () => string): Disposable;
}
export interface SourcedTask {
  readonly definition: TaskDefinition;
  /** Relative to the repository; line counts from 1. */
  readonly file: string;
  readonly line: number;
  /** The content hash (core canonicalContent, SHA-256, hex). */
  readonly hash: string;
  readonly modified_at: string;
  /** Where each entry of `depends_on` stands (from 1), for core checkDependencies. */
  readonly dependencies_at: readonly { readonly line: number; readonly column: number }[];
}

export interface SourcedSchedule extends Location {
  readonly schedule: Schedule;
  readonly template: { readonly file: string; readonly text: string };
  /** The first time after `after` (epoch ms) at which it is due; undefined when it never is again. */
  nextDue(after: number): number | undefined;
  /** The last time after `since` and not after `until` at which it was due. */
  lastDue(since: number, until: number): number | undefined;
}
