/** What reviewers and checks have to say about places in a change. */
import type { GateRound, StepExecution, TaskExecution } from './execution.ts';
import { findProblems } from './problems.ts';

export interface Finding {
  readonly source: 'reviewer' | 'gate';
  /** The reviewer's model, or the gate's name. */
  readonly by: string;
  /** A gate's errors are major, its warnings minor. */
  readonly severity: 'critical' | 'major' | 'minor';
  /** Relative to the repository; null for the change as a whole. */
  readonly file: string | null;
  /** From 1; null for the file as a whole. */
  readonly line: number | null;
  readonly message: string;
  /** The commit that was looked at: lines are those of it. Null where it is not known. */
  readonly head_sha: string | null;
}

/** The last word of each step's reviewer and of the last gate round, most severe first. */
export function findingsOf(task: Pick<TaskExecution, 'steps' | 'quality_gate_results' | 'worktree' | 'head_sha'>): Finding[] {
  const round = task.quality_gate_results.at(-1);
  // Found again after a rework it is one finding, where it stands now.
  const reviewed = new Map(task.steps.flatMap(ofReview).map((finding) => [[finding.by, finding.file, finding.message].join('\0'), finding]));
  return [...reviewed.values(), ...(round === undefined ? [] : ofGates(round, task))].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
const SEVERITIES = ['critical', 'major', 'minor'] as const;

function ofReview(step: StepExecution): Finding[] {
  return (step.code_review?.required_changes ?? []).map(({ severity, file, line, description }) => ({
    source: 'reviewer',
    by: step.reviewer_model ?? 'reviewer',
    severity,
    file: file === undefined ? null : file.replaceAll('\\', '/').replace(/^(\.\/)+/, ''),
    line: line ?? null,
    message: description,
    head_sha: step.implementation?.commit ?? null,
  }));
}

function ofGates(round: GateRound, { worktree, head_sha }: Pick<TaskExecution, 'worktree' | 'head_sha'>): Finding[] {
  // Rounds of before this commit speak of lines that have moved; nobody knows from where.
  return round.checks
    .filter((check) => check.status === 'failed' || check.status === 'warning')
    .flatMap((check) =>
      findProblems(check.details, worktree).map(({ file, line, severity, message }): Finding => {
        const grave = severity === 'error' && check.status === 'failed';
        return { source: 'gate', by: check.name, severity: grave ? 'major' : 'minor', file, line, message, head_sha };
      }),
    );
}
