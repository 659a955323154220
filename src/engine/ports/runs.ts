/** What people read of a run: files of each attempt and the log. */

/** Per-attempt files under `.baton/runs/<task>/<attempt>/`. */
export interface RunFiles {
  directory(taskId: string, attemptId: string): string;
}

/** The human-readable audit log. */
export interface RunLog {
  /** Appends in order; a disk that fails or is slow stops nothing. */
  append(text: string): void;
  flush(): Promise<void>;
}
