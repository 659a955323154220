/**
 * The configuration of a repository (`.baton/orchestrator.yaml`): schema, defaults and meaning of every key.
 * The JSON Schema that editors use and the reference in docs/CONFIGURATION.md are generated from here.
 */
import * as z from 'zod';
import { COMPLEXITIES, RISKS } from '../task.ts';
import { ROLES } from '../execution.ts';
import { parseQuietHours } from '../quietHours.ts';

const seconds = z.number().positive();
const count = z.number().int().positive();
const text = z.string().min(1);
const oneOrMore = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).min(1)]);
/** A section whose keys all have defaults, so that it may be absent or empty. */
const section = <T extends z.ZodRawShape>(shape: T) => {
  const object = z.strictObject(shape);
  return object.prefault({} as z.input<typeof object>);
};

/** Seconds in a duration like `24h`, `7d`, `30m`, `90s`; a bare number is seconds. */
export function durationSeconds(duration: string | number): number | undefined {
  if (typeof duration === 'number') return duration;
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|h|d)?$/.exec(duration.trim());
  if (!match) return undefined;
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] ?? 's'] ?? 1;
  return Number(match[1]) * unit;
}

const duration = z
  .union([z.string(), z.number()])
  .refine((value) => (durationSeconds(value) ?? 0) > 0, 'must be a duration such as 30m, 24h or 7d');

const backoffShape = {
  max_attempts: count.describe('Attempts in all; the first counts.'),
  initial_backoff: seconds.describe('Seconds before the second attempt.'),
  backoff_multiplier: z.number().min(1).describe('Factor from one wait to the next.'),
  max_backoff: seconds.describe('No wait is longer than this many seconds.'),
};
const retryOverride = z.strictObject(backoffShape).partial();

const agent = z.strictObject({
  enabled: z.boolean().optional().describe('false: never used, not even when its CLI is found.'),
  driver: z.enum(['claude', 'codex', 'acp', 'command']).describe('How Baton talks to this agent.'),
  command: text.optional().describe('The program; defaults to the driver’s own CLI.'),
  args: z.array(z.string()).default([]).describe('Arguments put before Baton’s own.'),
  model: text.optional().describe('Model to ask for; the CLI’s default when absent.'),
  account: text.optional().describe('Accounts share usage limits; defaults to the agent’s provider.'),
  max_concurrent: count.optional().describe('Cap on parallel runs of this agent.'),
  env: z.record(z.string(), z.string()).default({}).describe('Extra environment of the agent.'),
  max_turns: count.optional().describe('Turns after which an attempt is ended.'),
  permission_mode: z.enum(['default', 'acceptEdits', 'plan', 'bypassPermissions']).optional().describe('What Claude and Codex may do unasked; acceptEdits when absent: edits, and for Codex whatever its sandbox keeps in the worktree. Where `permissions` has rules that deny or ask, every edit and command comes to those first.'),
});

const gate = z.strictObject({
  name: text.describe('Shown everywhere; unique.'),
  run: text.describe('Command line for the shell, run in the worktree.'),
  timeout: seconds.default(600).describe('Seconds after which the gate’s process tree is ended.'),
  required: z.boolean().default(true).describe('A failed gate that is not required is a warning.'),
  parallel: z.boolean().default(true).describe('false: this gate runs alone.'),
  when: z
    .strictObject({
      size: z.array(z.enum(COMPLEXITIES)).describe('Sizes of changes: trivial = documentation or white space only, small = under 3 files and 50 lines.'),
      paths: z.array(text).describe('Globs; one changed file that fits is enough.'),
      area: z.array(text).describe('Areas of tasks.'),
    })
    .partial()
    .optional()
    .describe('Run only for changes of this size, touching these paths, or tasks of these areas.'),
});

export const configSchema = z
  .strictObject({
    orchestrator: section({
      poll_interval: seconds.default(30).describe('Seconds between safety-net checks of the queue; events wake the loop at once.'),
      max_concurrent_tasks: count.default(5).describe('Most agents at work at the same time.'),
      claude_timeout: seconds.default(3600).describe('Seconds one attempt of any agent may take.'),
      start_timeout: seconds.default(60).describe('Seconds an agent may take to say its first word.'),
      silence_timeout: seconds.default(600).describe('Seconds an agent may say nothing while no decision is pending.'),
      stop_hook_file: text.refine((file) => !/^([/\\]|[A-Za-z]:)/.test(file), 'must be a path within the repository').default('.claude_stop').describe('A file of this name in the repository stops the loop.'),
    }).describe('The loop.'),
    priority_weights: section({
      urgency: z.number().min(0).max(1).default(0.4).describe('Words and priority.'),
      deadline: z.number().min(0).max(1).default(0.3).describe('How near the deadline is.'),
      sender: z.number().min(0).max(1).default(0.3).describe('Who asks for it.'),
    })
      .refine((w) => Math.abs(w.urgency + w.deadline + w.sender - 1) < 1e-9, 'the three weights must sum to 1')
      .describe('Weights of the priority score; they must sum to 1.'),
    vip_senders: z.array(text).default([]).describe('Senders whose tasks get +10.'),
    client_senders: z.array(text).default([]).describe('Senders that count as clients.'),
    retry: section({
      max_attempts: backoffShape.max_attempts.default(5),
      initial_backoff: backoffShape.initial_backoff.default(60),
      backoff_multiplier: backoffShape.backoff_multiplier.default(2),
      max_backoff: backoffShape.max_backoff.default(3600),
      by_area: z.record(z.string(), retryOverride).default({}).describe('Overrides by a task’s area.'),
      by_error: z.record(z.string(), retryOverride).default({}).describe('Overrides by the kind of error.'),
    }).describe('How often and when a failed attempt is tried again.'),
    metrics: section({
      enabled: z.boolean().default(true).describe('false: nothing is collected.'),
      retention_days: count.default(30).describe('Days after which figures are forgotten.'),
      aggregation_interval: seconds.default(300).describe('Seconds that one point of a time series covers.'),
    }).describe('Figures over time: throughput, latency, errors, cost, CPU and memory.'),
    health_check: section({
      max_backlog: z.number().int().min(0).default(20).describe('More waiting tasks than this are a warning.'),
      max_error_rate: z.number().min(0).max(1).default(0.1).describe('A larger share of failures in 24 hours is a warning.'),
      max_idle_time: seconds.default(3600).describe('Seconds without a completion, while work waits, that are a warning.'),
    }).describe('From when on Baton counts as degraded.'),
    dashboard: section({
      refresh_interval: seconds.default(5).describe('Seconds between redraws where only time has passed.'),
      max_recent_tasks: count.default(10).describe('Ended tasks that are listed.'),
    }).describe('The dashboards in VS Code and the terminal.'),
    notifications: section({
      enabled: z.boolean().default(true).describe('false: nothing is sent.'),
      webhook_url: text.refine((url) => /^https?:\/\/\S+$/i.test(url), 'must be an address that starts with https:// or http://').optional().describe('Address that events are posted to, best as ${VAR}.'),
      secret: text.optional().describe('Signs every message (HMAC-SHA256), best as ${VAR}.'),
      events: z
        .array(
          z.enum([
            'task_failed',
            'task_completed',
            'health_degraded',
            'orchestrator_stopped',
            'orchestrator_started',
            'human_review',
            'budget_exceeded',
          ]),
        )
        .default(['task_failed', 'health_degraded', 'orchestrator_stopped'])
        .describe('Events that are sent.'),
    }).describe('Webhooks: JSON, or Slack’s shape for Slack’s addresses.'),
    agents: z.record(z.string(), agent).default({}).describe('Agents by name; installed CLIs are found without this.'),
    models: z
      .record(
        z.string(),
        z.strictObject({
          input_per_mtok: z.number().min(0).optional().describe('Of the input.'),
          output_per_mtok: z.number().min(0).optional().describe('Of the output.'),
          cache_read_per_mtok: z.number().min(0).optional().describe('Of input read from a cache.'),
          cache_write_per_mtok: z.number().min(0).optional().describe('Of input written into a cache.'),
          tier: text.optional().describe('A name for how able it is, such as advanced.'),
          provider: text.optional().describe('Who serves it; a reviewer of another provider than the author’s is preferred.'),
        }),
      )
      .default({})
      .describe('Prices in dollars per million tokens, tier and provider by model.'),
    roles: z.partialRecord(z.enum(ROLES), text).default({}).describe('Agent by role.'),
    routing: z
      .array(
        z.strictObject({
          when: z
            .strictObject({
              role: oneOrMore(z.enum(ROLES)).describe('Roles it holds for.'),
              risk: oneOrMore(z.enum(RISKS)).describe('Risks of tasks.'),
              area: oneOrMore(text).describe('Areas of tasks.'),
              complexity: oneOrMore(z.enum(COMPLEXITIES)).describe('Sizes of tasks.'),
            })
            .partial()
            .default({})
            .describe('All that is named must fit; every attempt when empty.'),
          use: text.describe('The agent.'),
          model: text.optional().describe('The model to ask it for; its own when absent.'),
          reason: text.optional().describe('Shown with every task that it routes.'),
        }),
      )
      .default([])
      .describe('First matching rule wins.'),
    gates: z
      .array(gate)
      .optional()
      .superRefine((gates, context) => {
        const seen = new Set<string>();
        for (const [index, one] of (gates ?? []).entries()) {
          if (seen.has(one.name)) context.addIssue({ code: 'custom', path: [index, 'name'], message: `two gates are named "${one.name}"` });
          seen.add(one.name);
        }
      })
      .describe('Checks that Baton runs itself; a template for the kind of project when absent.'),
    worktree: section({
      root: text.optional().describe('Folder of the worktrees; the user’s data directory when absent.'),
      setup: z.array(text).default([]).describe('Commands for the shell, run once in a new worktree.'),
      setup_timeout: seconds.default(900).describe('Seconds that each of them may take.'),
      copy: z.array(text).default(['.env*']).describe('Ignored files copied into a new worktree, as globs.'),
      link: z.array(text).default(['node_modules']).describe('Ignored folders linked into a new worktree, where they exist; [] with setup: [npm ci] isolates fully.'),
    }).describe('Where each task is worked on, and what a new worktree gets.'),
    merge: section({
      policy: z.enum(['review', 'auto', 'pr']).default('review').describe('Who merges: a human, Baton when all is green, or a pull request.'),
      strategy: z.enum(['squash', 'merge']).default('squash').describe('One commit for the task, or a merge commit that keeps its own.'),
      target: text.default('current').describe('Branch that tasks land on; current = the branch checked out when the task starts.'),
      allow_warnings: z.boolean().default(false).describe('true: a gate that only warns keeps nothing from merging by itself.'),
    }).describe('How finished work lands.'),
    approval: section({
      keywords: z
        .array(text)
        .default(['deploy', 'production', 'delete', 'payment', 'wire', 'send email', 'execute', 'remove'])
        .describe('A task whose text has one of these needs approval before it starts.'),
      expires: duration.default('24h').describe('An approval that was not used by then asks again.'),
      plan: z.enum(['always', 'high', 'never']).default('high').describe('Which plans a human approves, by risk.'),
    }).describe('What needs a human before it goes on.'),
    permissions: z
      .array(
        z
          .strictObject({
            tool: text.default('*').describe('Tool name or class: shell, write, read, network, *.'),
            pattern: text.optional().describe('Glob over the command line.'),
            path: text.optional().describe('Glob over the file, relative to the worktree.'),
            then: z.enum(['allow', 'ask', 'deny']).describe('What happens to such a call.'),
          }),
      )
      .default([])
      .describe('What agents may do; first matching rule wins, ask when none does.'),
    budget: section({
      per_task_usd: z.number().positive().optional().describe('Most one task may cost, where it states no budget_usd of its own.'),
      per_day_usd: z.number().positive().optional().describe('Most one day (UTC) may cost.'),
      by_area: z.record(z.string(), z.number().positive()).default({}).describe('Most one day may cost by the tasks’ area.'),
      reserve_usd: z.number().min(0).default(0.5).describe('Set aside before an attempt starts, while fewer than three like attempts are known; a smaller budget starts nothing.'),
      allow_unpriced: z.boolean().default(false).describe('true: agents without a price run under a budget too.'),
    }).describe('What may be spent, in dollars; what would pass a limit is held and asked about once.'),
    telemetry: section({
      otlp_endpoint: text.optional().describe('Address of an OpenTelemetry collector (OTLP over HTTP), without /v1/traces.'),
      headers: z.record(z.string(), z.string()).default({}).describe('Sent with every request, such as a key.'),
    }).describe('Spans and metrics by OpenTelemetry; off unless an address is given.'),
    http: section({
      port: z.number().int().min(0).max(65_535).optional().describe('Port on the loopback address; 0 takes a free one.'),
      token: text.optional().describe('Asked of every request, best as ${VAR}.'),
    }).describe('Health, readiness and Prometheus metrics for monitoring; off unless a port is given.'),
    memory: section({
      url: text.optional().describe('Address of the server.'),
      api_key: text.optional().describe('Its key, best as ${VAR}.'),
      project: text.optional().describe('Project to keep lessons in.'),
      tenant: text.optional().describe('Tenant to keep lessons in.'),
    }).describe('A memory server for lessons from earlier tasks. Read and checked, not used in this release.'),
    store: section({
      kind: z.enum(['sqlite', 'postgres']).default('sqlite').describe('sqlite needs no server. postgres is read and checked, not used in this release.'),
      url: text.optional().describe('Address of the PostgreSQL database, best as ${VAR}.'),
    }).describe('Where queue and state are kept.'),
    runner: section({ orphan_grace: duration.default('30m').describe('How long an agent goes on while no Baton runs on the repository; then it is stopped, to be resumed.') }).describe('Agents that outlive the window.'),
    attention: section({
      max_awaiting: count.optional().describe('No new starts while this many tasks wait for a human.'),
      quiet_hours: text
        .refine((hours) => parseQuietHours(hours) !== undefined, 'must be a span of the day such as 22:00-07:00')
        .optional()
        .describe('Hours without notifications in VS Code, in the local time, such as 22:00-07:00.'),
    }).describe('How much may wait for you, and when you are left in peace.'),
  })
  .prefault({});

/** A complete configuration: every default is in place. */
export type Config = z.infer<typeof configSchema>;
export type AgentConfig = Config['agents'][string];
export type GateConfig = NonNullable<Config['gates']>[number];
export type PermissionRule = Config['permissions'][number];
export type ModelConfig = Config['models'][string];

/** The configuration of a repository that has no file. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
