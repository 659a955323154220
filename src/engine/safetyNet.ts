/** The only timer of an idle loop; it also tells others that the loop lives. */
import type { PipelineContext } from './pipeline/context.ts';
import type { Disposable } from './ports.ts';

export class SafetyNet {
  readonly #context: Pick<PipelineContext, 'ports' | 'lifecycle' | 'config'>;
  #heartbeat: number | null;
  #timer: Disposable | undefined;

  /** @param stored the last sign of life that was stored, if it is one */
  constructor(context: Pick<PipelineContext, 'ports' | 'lifecycle' | 'config'>, stored: unknown) {
    this.#context = context;
    const heartbeat = typeof stored === 'string' ? Date.parse(stored) : NaN;
    this.#heartbeat = Number.isNaN(heartbeat) ? null : heartbeat;
  }

  /** The last sign of life of a loop that runs, this one's or that of an earlier leader; epoch ms. */
  get heartbeat(): number | null {
    return this.#heartbeat;
  }

  /** Gives a sign of life, and calls `look` when the poll interval is over. */
  arm(look: () => void): void {
    this.drop();
    this.#beat();
    this.#timer = this.#context.ports.clock.after(this.#context.config().orchestrator.poll_interval * 1000, look);
  }

  drop(): void {
    this.#timer?.dispose();
  }

  #beat(): void {
    const { clock, log } = this.#context.ports;
    this.#heartbeat = clock.now();
    void this.#context.lifecycle.record([], { heartbeat: this.#context.lifecycle.now() }).catch((error: unknown) => {
      log.error('The heartbeat could not be stored', error);
    });
  }
}
