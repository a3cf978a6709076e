/** What an event says, from the fields that such events have. */
export function eventText(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === undefined || data === null ? '' : String(data);
  return Object.entries(data)
    .flatMap(([key, value]) => (value === null || value === undefined ? [] : [`${key} ${valueText(value)}`]))
    .join(' · ');
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { message } = value as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(value);
}
