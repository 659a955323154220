/** Which agent and model a role gets for a task: the task's own wish, the first matching rule, the role's default, else what is there. */
import type { Config } from './config/schema.ts';
import type { Role } from './execution.ts';
import { areaOf, riskOf, type TaskDefinition } from './task.ts';

export interface Candidate {
  readonly name: string;
  readonly available: boolean;
  /** False when the configuration turns it off, or when a variable that it needs is missing. */
  readonly enabled: boolean;
  readonly install: string | null;
  readonly model: string | null;
}

export type Route =
  | { readonly kind: 'agent'; readonly name: string; readonly model: string | null; readonly reason: string }
  /** `reason` says what to do, with the install command where there is one. */
  | { readonly kind: 'none'; readonly reason: string };

/** `candidates`, best first. Falls back to the first available one only where nobody named an agent. */
export function route(config: Config, task: TaskDefinition, role: Role, candidates: readonly Candidate[]): Route {
  const wish = wished(config, task, role);
  if (wish) {
    const candidate = candidates.find((one) => one.name === wish.name);
    if (!candidate) return { kind: 'none', reason: `no agent is named "${wish.name}" (${wish.reason}); configure it under agents:` };
    if (!usable(candidate)) return { kind: 'none', reason: `${missing(candidate)} (${wish.reason})` };
    return { kind: 'agent', name: candidate.name, model: wish.model ?? candidate.model, reason: wish.reason };
  }
  const first = candidates.find(usable);
  if (first) return { kind: 'agent', name: first.name, model: first.model, reason: 'the first agent found' };
  const best = candidates[0];
  return { kind: 'none', reason: best ? missing(best) : 'no coding agent is installed; configure one under agents:' };
}

function wished(config: Config, task: TaskDefinition, role: Role): { name: string; model: string | null; reason: string } | undefined {
  if (task.agent !== undefined && role === 'implementer') return { name: task.agent, model: null, reason: 'the task names it' };
  const rule = config.routing.find(
    ({ when }) =>
      covers(when.role, role) && covers(when.risk, riskOf(task)) && covers(when.area, areaOf(task)) && covers(when.complexity, task.complexity),
  );
  if (rule) return { name: rule.use, model: rule.model ?? null, reason: rule.reason ?? 'a routing rule matches' };
  const name = config.roles[role];
  return name === undefined ? undefined : { name, model: null, reason: `the configured ${role.replace('_', ' ')}` };
}

function covers<T>(wanted: T | readonly T[] | undefined, value: T | undefined): boolean {
  if (wanted === undefined) return true;
  if (value === undefined) return false;
  return Array.isArray(wanted) ? wanted.includes(value) : wanted === value;
}

function usable(candidate: Candidate): boolean {
  return candidate.available && candidate.enabled;
}

function missing(candidate: Candidate): string {
  if (!candidate.enabled) return `agent ${candidate.name} is turned off by the configuration`;
  return `agent ${candidate.name} is not installed${candidate.install ? `; install it: ${candidate.install}` : ''}`;
}
