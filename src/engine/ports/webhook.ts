/** Messages to the outside. */

export interface WebhookRequest {
  readonly url: string;
  /** The same for every attempt at the same message, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly event: string;
  /** JSON. */
  readonly body: string;
  /** Signs the request. */
  readonly secret?: string;
  readonly signal: AbortSignal;
}

/** One attempt to bring a message to a receiver; rejects where it was not taken, with `status` or `code` where there is one. */
export interface Webhook {
  send(request: WebhookRequest): Promise<void>;
}
