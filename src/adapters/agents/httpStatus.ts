/** What a provider's HTTP status means for an attempt. */
export function kindOfStatus(status: number): string {
  if (status === 401 || status === 403) return 'authentication';
  if (status === 404) return 'model_not_found';
  if (status === 408) return 'connection';
  if (status === 429) return 'rate_limit';
  if (status === 529) return 'overloaded';
  return status >= 500 ? 'server_error' : 'invalid_request';
}
