/**
 * How strong a model a piece of work deserves. Where no rule and no role says who takes it, work goes to the weakest tier that
 * is enough for it, as far as the configured models have tiers.
 */
import type { Config } from './config/schema.ts';
import type { Role } from './execution.ts';
import { areaOf, riskOf, type TaskDefinition } from './task.ts';

export const TIERS = ['economy', 'standard', 'advanced'] as const;
export type Tier = (typeof TIERS)[number];

/** Other words for the tiers, as configurations have them. */
const ALIASES: Readonly<Record<string, Tier>> = {
  basic: 'economy',
  cheap: 'economy',
  fast: 'economy',
  small: 'economy',
  tier3: 'economy',
  balanced: 'standard',
  medium: 'standard',
  tier2: 'standard',
  large: 'advanced',
  premium: 'advanced',
  strong: 'advanced',
  tier1: 'advanced',
};

/** The tier that the configuration gives a model; undefined where it gives none, or one that nobody knows. */
export function tierOf(config: Pick<Config, 'models'>, model: string | null): Tier | undefined {
  const word = model === null ? undefined : config.models[model]?.tier?.toLowerCase().replace(/[\s_-]/g, '');
  if (word === undefined) return undefined;
  return TIERS.find((tier) => tier === word) ?? ALIASES[word];
}

/** The tier of a model for an estimate: as configured, else by what makers call theirs, else the middle one. */
export function likelyTier(config: Pick<Config, 'models'>, model: string | null): Tier {
  const words = (model ?? '').toLowerCase().split(/[^a-z0-9]+/);
  const has = (...names: readonly string[]): boolean => names.some((name) => words.includes(name));
  return tierOf(config, model) ?? (has('haiku', 'mini', 'nano', 'flash', 'lite') ? 'economy' : has('opus', 'ultra') ? 'advanced' : 'standard');
}

type Weight = 'heavy' | 'ordinary' | 'light';

/** Areas in which a mistake is dear, and those in which it is cheap. */
const HEAVY: ReadonlySet<string> = new Set(['core', 'math']);
const LIGHT: ReadonlySet<string> = new Set(['docs', 'comments', 'tests']);

/** A plan decides about everything after it, so its maker is a tier above those who carry light work out. */
const MATRIX: Readonly<Record<Role, Readonly<Record<Weight, Tier>>>> = {
  planner: { heavy: 'advanced', ordinary: 'advanced', light: 'standard' },
  plan_reviewer: { heavy: 'advanced', ordinary: 'standard', light: 'economy' },
  implementer: { heavy: 'advanced', ordinary: 'standard', light: 'economy' },
  code_reviewer: { heavy: 'advanced', ordinary: 'standard', light: 'economy' },
};

/** High risk is heavy wherever it is, and so are core and math unless their risk is low; low risk is light outside them. */
function weightOf(task: TaskDefinition): Weight {
  const risk = riskOf(task);
  const area = areaOf(task).toLowerCase();
  if (risk === 'high') return 'heavy';
  if (HEAVY.has(area)) return risk === 'low' ? 'ordinary' : 'heavy';
  return LIGHT.has(area) || risk === 'low' ? 'light' : 'ordinary';
}

/** The tier that a role deserves for a task, and why, in the words of the run log: `High-risk core`. */
export function wantedTier(role: Role, task: TaskDefinition): { readonly tier: Tier; readonly reason: string } {
  const risk = riskOf(task);
  return { tier: MATRIX[role][weightOf(task)], reason: `${risk.charAt(0).toUpperCase()}${risk.slice(1)}-risk ${areaOf(task) === 'unknown' ? 'work' : areaOf(task)}` };
}

/** 0 for the very tier; a stronger one is better than a weaker one. A model without a tier is nobody's choice by tier. */
export function tierDistance(tier: Tier | undefined, wanted: Tier): number {
  if (tier === undefined) return TIERS.length * 2;
  const by = TIERS.indexOf(tier) - TIERS.indexOf(wanted);
  return by >= 0 ? by : TIERS.length - by;
}

/** Dollars per million tokens (in, out) that a model of a tier costs about, for estimates where it has no price. */
const TYPICAL_PRICE: Readonly<Record<Tier, readonly [input: number, output: number]>> = { economy: [1, 5], standard: [3, 15], advanced: [5, 25] };

/** What a model's tokens cost about: by its price where it has one, else by its tier. Only for comparing and estimating. */
export function likelyPrice(config: Pick<Config, 'models'>, model: string | null): { readonly input: number; readonly output: number } {
  const { input_per_mtok: input, output_per_mtok: output } = (model === null ? undefined : config.models[model]) ?? {};
  if (input !== undefined && output !== undefined) return { input, output };
  const [typicalInput, typicalOutput] = TYPICAL_PRICE[likelyTier(config, model)];
  return { input: typicalInput, output: typicalOutput };
}
