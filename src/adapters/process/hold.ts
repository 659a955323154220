/** Child processes that keep the process that started them alive, or do not. */
import type { ChildProcess } from 'node:child_process';

/** Whether a child and its streams keep this process's event loop alive. */
export function hold(child: ChildProcess, wanted: boolean): void {
  for (const handle of [child, ...child.stdio] as unknown as ({ ref?: () => void; unref?: () => void } | null)[]) {
    if (wanted) handle?.ref?.();
    else handle?.unref?.();
  }
}
