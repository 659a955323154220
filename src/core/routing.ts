/** Which agent and model a role gets for a task: the task's own wish, the first matching rule, the role's default, else what is there. */
import type { AgentConfig, Config } from './config/schema.ts';
import type { Role } from './execution.ts';
import { areaOf, riskOf, type TaskDefinition } from './task.ts';
import { likelyPrice, tierDistance, tierOf, wantedTier } from './tiers.ts';

export interface Candidate {
  readonly name: string;
  readonly available: boolean;
  /** False when the configuration turns it off, or when a variable that it needs is missing. */
  readonly enabled: boolean;
  readonly install: string | null;
  readonly model: string | null;
  readonly driver?: AgentConfig['driver'];
  /** Its name when absent. */
  readonly provider?: string;
  /** Its account is closed now: a limit, or a sign-in that is refused. */
  readonly closed?: boolean;
}

/** Who made what is to be reviewed. */
export interface Author {
  readonly agent: string;
  /** As the agent reported it; null when nobody knows. */
  readonly model: string | null;
  readonly provider: string;
}

export interface RouteOptions {
  /** reviewers only: whose work they judge. */
  readonly authors?: readonly Author[];
  /** The agent whose session holds the work so far: a closed account is waited for, not left. */
  readonly keep?: string | undefined;
  /** The human asked to go on for less: price decides before rules and roles. */
  readonly economy?: boolean;
}

export type Route =
  | {
      readonly kind: 'agent';
      readonly name: string;
      readonly model: string | null;
      readonly reason: string;
      /** True for a reviewer that is its author's model because there is no other. */
      readonly self_reviewed: boolean;
    }
  /** `reason` says what to do, with the install command where there is one. */
  | { readonly kind: 'none'; readonly reason: string };

interface Wish {
  readonly name: string;
  readonly model: string | null;
  readonly reason: string;
}

interface Option {
  readonly candidate: Candidate;
  readonly model: string | null;
  readonly provider: string;
  readonly reason: string;
  /** Asked for by a rule or for the role. */
  readonly named: boolean;
}

/**
 * `candidates`, best first. An agent that the task names is never replaced. One that a rule or the role names is replaced
 * when it is not installed, when its account is closed and nothing of the work lies in its session, and when it would
 * review its own model's work; the reason says so. A program of the user (`command`) stands in for nobody.
 */
export function route(config: Config, task: TaskDefinition, role: Role, candidates: readonly Candidate[], options: RouteOptions = {}): Route {
  if (options.economy === true) {
    const cheapest = cheapestOf(config, task, role, candidates, options);
    if (cheapest) return cheapest;
  }
  if (task.agent !== undefined && role === 'implementer') return exactly({ name: task.agent, model: null, reason: 'the task names it' }, candidates);
  const wishes = wishesOf(config, task, role, candidates);
  const [first] = wishes;
  if (first) {
    const candidate = candidates.find((one) => one.name === first.name);
    if (!candidate?.enabled) return exactly(first, candidates);
  }
  const pool = poolOf(config, role, wishes, candidates);
  const wanted = wantedTier(role, task);
  const authors = options.authors ?? [];
  const rank = (option: Option): number =>
    (judgesItself(option, authors) ? 4 : 0) +
    (option.candidate.closed === true && option.candidate.name !== options.keep ? 2 : 0) +
    (option.named ? 0 : (authors.some((author) => author.provider === option.provider) ? 1 : 0) + tierDistance(tierOf(config, option.model) ?? 'standard', wanted.tier) / 10);
  const best = bestOf(pool, rank);
  if (best === undefined) return first ? exactly(first, candidates) : nobody(role, candidates);
  const self_reviewed = judgesItself(best, authors);
  // Where models have tiers, the tier is why.
  const byTier = !best.named && pool.some((option) => !option.named && tierOf(config, option.model) !== undefined);
  const chosen = byTier ? { ...best, reason: `${wanted.reason}: ${tierOf(config, best.model) ?? 'standard'} model` } : best;
  return { kind: 'agent', name: best.candidate.name, model: best.model, reason: reasonOf(chosen, first, candidates, authors), self_reviewed };
}

/** The first of those that rank lowest. */
function bestOf(pool: readonly Option[], rank: (option: Option) => number): Option | undefined {
  return pool.reduce<Option | undefined>((found, option) => (found === undefined || rank(option) < rank(found) ? option : found), undefined);
}

/** Whoever takes the role for the least, of all agents and the models that the configuration knows; of the named agent's models where the task names one. */
function cheapestOf(config: Config, task: TaskDefinition, role: Role, candidates: readonly Candidate[], options: RouteOptions): Route | undefined {
  const authors = options.authors ?? [];
  const wishes = wishesOf(config, task, role, candidates);
  const own = task.agent !== undefined && role === 'implementer' ? candidates.filter((one) => one.name === task.agent) : candidates;
  const pool = poolOf(config, role, wishes, own).filter((option) => option.candidate.driver !== 'command' || option.named);
  const price = ({ model }: Option): number => {
    const { input, output } = likelyPrice(config, model);
    return input + output;
  };
  const cheapest = bestOf([...pool, ...otherModels(config, pool)], (option) => (judgesItself(option, authors) ? 4e6 : 0) + (option.candidate.closed === true ? 2e6 : 0) + price(option));
  return cheapest && { kind: 'agent', name: cheapest.candidate.name, model: cheapest.model, reason: 'you asked to go on for less', self_reviewed: judgesItself(cheapest, authors) };
}

/** Whether anybody is there for a role: named for it, or found and able to take it. A role that nobody can take is left out. */
export function isStaffed(config: Config, task: TaskDefinition, role: Role, candidates: readonly Candidate[]): boolean {
  return wishesOf(config, task, role, candidates).length > 0 || poolOf(config, role, [], candidates).length > 0;
}

/** Whether two names mean one model: letter case, a date at the end, a context size in brackets and aliases (`opus`) do not count. */
export function isSameModel(a: string, b: string): boolean {
  const [one, other] = [bareModel(a), bareModel(b)];
  if (one === other) return true;
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return /^[a-z]+$/.test(short) && long.split(/[-_./:]/).includes(short);
}

function bareModel(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/\[[^\]]*\]$/, '')
    .replace(/^.*\//, '')
    .replace(/[-@]\d{8}$/, '');
}

/** Where a model is not known, agents of one provider count as one model. */
export function isAuthor(reviewer: Author, author: Author): boolean {
  if (reviewer.model !== null && author.model !== null) return isSameModel(reviewer.model, author.model);
  return reviewer.agent === author.agent || reviewer.provider === author.provider;
}

function judgesItself({ candidate, model, provider }: Option, authors: readonly Author[]): boolean {
  return authors.some((author) => isAuthor({ agent: candidate.name, model, provider }, author));
}

/** The rules that match, in order, then the role's own agent. */
function wishesOf(config: Config, task: TaskDefinition, role: Role, candidates: readonly Candidate[]): Wish[] {
  const rules = config.routing
    .filter(
      ({ when }) =>
        covers(when.role, role) && covers(when.risk, riskOf(task)) && covers(when.area, areaOf(task)) && covers(when.complexity, task.complexity),
    )
    // A rule for everything does not make a planner of a program that only edits files.
    .filter(({ when, use }) => role === 'implementer' || when.role !== undefined || candidates.find((one) => one.name === use)?.driver !== 'command')
    .map((rule) => ({ name: rule.use, model: rule.model ?? null, reason: rule.reason ?? 'a routing rule matches' }));
  const name = config.roles[role];
  return [...rules, ...(name === undefined ? [] : [{ name, model: null, reason: `the configured ${spoken(role)}` }])];
}

/** Everybody who could take the role now, in order of preference. */
function poolOf(config: Config, role: Role, wishes: readonly Wish[], candidates: readonly Candidate[]): Option[] {
  const usable = candidates.filter((one) => one.available && one.enabled);
  const provider = (candidate: Candidate, model: string | null): string =>
    (model === null ? undefined : config.models[model]?.provider) ?? candidate.provider ?? candidate.name;
  const named = wishes.flatMap((wish) => {
    const candidate = usable.find((one) => one.name === wish.name);
    if (!candidate) return [];
    const model = wish.model ?? candidate.model;
    return [{ candidate, model, provider: provider(candidate, model), reason: wish.reason, named: true }];
  });
  const free = usable
    .filter((one) => one.driver !== 'command' || (role === 'implementer' && wishes.length === 0))
    .map((candidate) => ({ candidate, model: candidate.model, provider: provider(candidate, candidate.model), reason: 'the first agent found', named: false }));
  const others = otherModels(config, free);
  const reviews = role === 'plan_reviewer' || role === 'code_reviewer';
  // An agent that names no model of its own may use any that the configuration gives a tier.
  return [...named, ...free, ...others.filter(({ candidate, model }) => reviews || (candidate.model === null && tierOf(config, model) !== undefined))];
}

/** The other models that the configuration knows of an agent's provider: one agent can review another model's work. */
function otherModels(config: Config, some: readonly Option[]): Option[] {
  return some.flatMap((option) =>
    Object.entries(config.models)
      .filter(([model, { provider }]) => provider === option.provider && model !== option.model)
      .map(([model]) => ({ ...option, model, reason: `${model} of the same agent` })),
  );
}

function exactly(wish: Wish, candidates: readonly Candidate[]): Route {
  const candidate = candidates.find((one) => one.name === wish.name);
  if (!candidate) return { kind: 'none', reason: `no agent is named "${wish.name}" (${wish.reason}); configure it under agents:` };
  if (!candidate.available || !candidate.enabled) return { kind: 'none', reason: `${missing(candidate)} (${wish.reason})` };
  return { kind: 'agent', name: candidate.name, model: wish.model ?? candidate.model, reason: wish.reason, self_reviewed: false };
}

function nobody(role: Role, candidates: readonly Candidate[]): Route {
  const unfit = role !== 'implementer' && candidates.some((one) => one.available && one.enabled);
  if (unfit) return { kind: 'none', reason: `no agent that is found can be a ${spoken(role)}; name one under roles:` };
  const best = candidates[0];
  return { kind: 'none', reason: best ? missing(best) : 'no coding agent is installed; configure one under agents:' };
}

/** Why this one, and why not the one that was asked for. */
function reasonOf(best: Option, first: Wish | undefined, candidates: readonly Candidate[], authors: readonly Author[]): string {
  if (judgesItself(best, authors)) return `${best.reason}; it reviews its own model's work, since there is no other`;
  const asked = first && candidates.find((one) => one.name === first.name);
  const isAsked = best.named && first?.name === best.candidate.name && (first.model ?? best.candidate.model) === best.model;
  if (isAsked || !asked) return authors.length > 0 && !best.named && best.reason === 'the first agent found' ? 'another model than the author' : best.reason;
  const why = !asked.available ? missing(asked) : asked.closed === true ? `the account of ${asked.name} is closed` : `${asked.name} would review its own model's work`;
  return `${best.named ? best.reason : 'it stands in'}: ${why}`;
}

function covers<T>(wanted: T | readonly T[] | undefined, value: T | undefined): boolean {
  if (wanted === undefined) return true;
  if (value === undefined) return false;
  return Array.isArray(wanted) ? wanted.includes(value) : wanted === value;
}

function spoken(role: Role): string {
  return role.replace('_', ' ');
}

function missing(candidate: Candidate): string {
  if (!candidate.enabled) return `agent ${candidate.name} is turned off by the configuration`;
  return `agent ${candidate.name} is not installed${candidate.install ? `; install it: ${candidate.install}` : ''}`;
}
