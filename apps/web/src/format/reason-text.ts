/** The sentence of a reason: some answers have it as plain text, others together with a code. */
export function reasonText(reason: { readonly message: string } | string | null | undefined): string {
  if (reason === null || reason === undefined) return '';
  return typeof reason === 'string' ? reason : reason.message;
}
