/** The configuration that `baton init` writes: valid, commented, and with the gates that were found. */
import { stringify } from 'yaml';
import { defaultConfig, type GateConfig } from './schema.ts';

export interface TemplateOptions {
  /** Gates found in the repository; none are written when absent, which means "by the kind of project". */
  readonly gates?: readonly Pick<GateConfig, 'name' | 'run' | 'timeout' | 'required'>[];
  /** Names of the agents found on this machine, for the remark above `agents`. */
  readonly agents?: readonly string[];
}

/**
 * YAML text with every section. What is live states its default; "# Words" is prose, and every other line that begins
 * with "#" is an example that is valid once that "#" is taken away.
 */
export function orchestratorTemplate(options: TemplateOptions = {}): string {
  const { orchestrator, priority_weights, retry, metrics, health_check, dashboard, merge, approval } = defaultConfig();
  const found = options.agents?.length ? `Found here: ${options.agents.join(', ')}.` : 'Installed CLIs are found without this.';
  return `# Baton: how coding agents run in this repository.
# Every key may be left out; the values below are the defaults. Changes apply at once.
# \${VAR} and \${VAR:-default} stand for environment variables; $\${ is a literal \${.

# The loop. Times are in seconds.
orchestrator:
  poll_interval: ${orchestrator.poll_interval}              # safety net only: files, agents and decisions wake the loop at once
  max_concurrent_tasks: ${orchestrator.max_concurrent_tasks}        # agents at work at the same time
  claude_timeout: ${orchestrator.claude_timeout}           # one attempt of any agent
  start_timeout: ${orchestrator.start_timeout}              # until an agent says its first word
  silence_timeout: ${orchestrator.silence_timeout}           # without a word
  stop_hook_file: ${orchestrator.stop_hook_file}   # create this file to stop

# Who goes first. The three weights must sum to 1.
priority_weights:
  urgency: ${priority_weights.urgency}
  deadline: ${priority_weights.deadline}
  sender: ${priority_weights.sender}
#vip_senders: [ceo@example.com]      # their tasks get +10
#client_senders: ["@client.example"] # an address, or everybody of a domain

# Checks that Baton runs in the worktree before anything is merged.
${gatesSection(options.gates ?? [])}
# How a task lands: review (you approve the diff), auto (when all is green) or pr.
merge:
  policy: ${merge.policy}
  strategy: ${merge.strategy}          # squash or merge
  target: ${merge.target}           # the branch checked out when the task starts, or a name
  allow_warnings: ${merge.allow_warnings}

# A task whose text has one of these words asks you before it starts.
approval:
  keywords: [${approval.keywords.join(', ')}]
  expires: ${approval.expires}
  plan: ${approval.plan}                # which plans you approve: always, high (risk) or never

# What agents may do; the first rule that matches wins, and you are asked when none does.
#permissions:
#  - {tool: shell, pattern: "npm test*", then: allow}
#  - {tool: write, path: "../**", then: deny}
#  - {tool: "*", then: ask}

# A failed attempt is tried again. Overrides: by_area.<area>, by_error.<kind>.
retry:
  max_attempts: ${retry.max_attempts}                # the first counts
  initial_backoff: ${retry.initial_backoff}            # seconds
  backoff_multiplier: ${retry.backoff_multiplier}
  max_backoff: ${retry.max_backoff}              # seconds
#  by_error:
#    rate_limit: {initial_backoff: 300}

# ${found}
#agents:
#  claude: {driver: claude, model: claude-sonnet-4-6, max_concurrent: 3}
#  codemod: {driver: command, command: node, args: [scripts/codemod.mjs]}
#roles: {planner: claude, implementer: claude}
#routing:
#  - {when: {role: implementer, risk: high, area: [core, math]}, use: claude, reason: High-risk core}
#models:
#  claude-sonnet-4-6: {input_per_mtok: 3, output_per_mtok: 15}

# What may be spent, in dollars.
#budget: {per_task_usd: 2, per_day_usd: 20}

# New worktrees: commands to run once, ignored files to copy, ignored folders to link.
#worktree: {setup: [npm ci], copy: [".env*"], link: []}

# No new starts while this many tasks wait for you, and hours without notifications in VS Code.
#attention: {max_awaiting: 5, quiet_hours: "22:00-07:00"}

metrics:
  enabled: ${metrics.enabled}
  retention_days: ${metrics.retention_days}
  aggregation_interval: ${metrics.aggregation_interval}

health_check:
  max_backlog: ${health_check.max_backlog}
  max_error_rate: ${health_check.max_error_rate}
  max_idle_time: ${health_check.max_idle_time}

dashboard:
  refresh_interval: ${dashboard.refresh_interval}
  max_recent_tasks: ${dashboard.max_recent_tasks}

#notifications:
#  webhook_url: \${BATON_WEBHOOK_URL:-https://hooks.example.com/baton}
#  events: [task_failed, health_degraded, orchestrator_stopped]

# Health, readiness and Prometheus metrics on the loopback address.
#http: {port: 9464}
`;
}

function gatesSection(gates: NonNullable<TemplateOptions['gates']>): string {
  if (gates.length === 0) return '# Without this Baton takes those of the kind of project it finds.\n#gates:\n#  - {name: test, run: npm test, timeout: 600}\n';
  const entries = gates.map(({ name, run, timeout, required }) => ({ name, run, timeout, ...(required ? {} : { required }) }));
  return stringify({ gates: entries }, { lineWidth: 0 });
}
