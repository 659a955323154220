/** What Prometheus scrapes: gauges of the present picture, counters of what was committed since this process leads. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { TASK_STATES } from '../../core/states.ts';
import type { ExporterFeed } from '../../engine/exporters.ts';
import { HEALTH_CHECKS } from '../../shared/health.ts';

export interface Prometheus {
  scrape(): Promise<{ readonly type: string; readonly body: string }>;
  dispose(): void;
}

const STATUSES = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;
/** Seconds; tasks take from moments to a day. */
const DURATIONS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const WHO = ['agent', 'model', 'role', 'area'] as const;

export function createPrometheus(feed: ExporterFeed): Prometheus {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> => new Gauge({ name, help, labelNames, registers });
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> => new Counter({ name, help, labelNames, registers });

  const info = gauge('baton_info', 'The repository that is led; always 1.', ['repository']);
  const tasks = gauge('baton_tasks', 'Tasks by state.', ['state']);
  const slots = gauge('baton_slots', 'Most agents at work at the same time.');
  const slotsUsed = gauge('baton_slots_used', 'Agents at work.');
  const open = gauge('baton_decisions_open', 'Decisions that wait for a human.');
  const running = gauge('baton_loop_running', '1 while the loop runs.');
  const status = gauge('baton_health_status', '1 for the present status, 0 for the others.', ['status']);
  const checks = gauge('baton_health_check_ok', '1 while the check passes.', ['check']);
  const started = counter('baton_tasks_started_total', 'Tasks that were started.');
  const completed = counter('baton_tasks_completed_total', 'Tasks that were completed.');
  const failed = counter('baton_tasks_failed_total', 'Tasks that failed; cancelled ones are none.');
  const durations = new Histogram({ name: 'baton_task_duration_seconds', help: 'From the start of a task to its completion.', buckets: DURATIONS, registers });
  const attempts = counter('baton_attempts_total', 'Attempts of agents that ended.', WHO);
  const unpriced = counter('baton_attempts_unpriced_total', 'Attempts without a price: the cost is a lower bound.', WHO);
  const cost = counter('baton_cost_usd_total', 'What attempts cost, in dollars.', WHO);
  const tokens = counter('baton_tokens_total', 'Tokens that attempts used.', [...WHO, 'kind']);
  const rounds = counter('baton_gate_rounds_total', 'Rounds of quality gates.', ['result']);
  const decisions = counter('baton_decisions_total', 'Decisions that were asked of a human.');
  const cpu = gauge('baton_cpu_ratio', 'Processor time of Baton and its agents in the last snapshot; 1 is one processor.');
  const memory = gauge('baton_memory_bytes', 'Memory of Baton and its agents in the last snapshot.');
  rounds.inc({ result: 'passed' }, 0);
  rounds.inc({ result: 'failed' }, 0);

  const subscription = feed.onCommitted(({ metrics }) => {
    for (const one of metrics?.rollups ?? []) {
      started.inc(one.started);
      rounds.inc({ result: 'passed' }, one.gates_passed);
      rounds.inc({ result: 'failed' }, one.gates_failed);
      decisions.inc(one.decisions);
      if (one.snapshots === 0) continue;
      cpu.set(one.cpu_sum / one.snapshots / 100);
      memory.set((one.memory_sum / one.snapshots) * 1e6);
    }
    for (const one of metrics?.costs ?? []) {
      const who = { agent: one.agent, model: one.model, role: one.role, area: one.area };
      attempts.inc(who, one.attempts);
      unpriced.inc(who, one.unpriced);
      cost.inc(who, one.cost_usd);
      for (const kind of ['input', 'output', 'cache_read', 'cache_write'] as const) tokens.inc({ ...who, kind }, one[`${kind}_tokens`]);
    }
    for (const one of metrics?.endings ?? []) {
      (one.completed ? completed : failed).inc();
      if (one.completed && one.seconds !== null) durations.observe(one.seconds);
    }
  });

  const look = async (): Promise<void> => {
    const { tasks: views, loop, health, repository } = await feed.snapshot();
    info.set({ repository: repository.name }, 1);
    for (const state of TASK_STATES) tasks.set({ state }, views.filter((task) => task.state === state).length);
    slots.set(loop.slots);
    slotsUsed.set(loop.slots_used);
    running.set(loop.state === 'running' ? 1 : 0);
    open.set(views.reduce((sum, task) => sum + task.decisions.filter((decision) => decision.status === 'open').length, 0));
    for (const one of STATUSES) status.set({ status: one }, health.status === one ? 1 : 0);
    for (const check of HEALTH_CHECKS) checks.set({ check }, health.checks[check].ok ? 1 : 0);
  };
  return {
    scrape: async () => {
      await look();
      return { type: registry.contentType, body: await registry.metrics() };
    },
    dispose: () => subscription.dispose(),
  };
}
