/** The sentence of a reason, which some answers give as text and some with its code. */
export function reasonText(reason: { readonly message: string } | string | null | undefined): string {
  if (reason === null || reason === undefined) return '';
  return typeof reason === 'string' ? reason : reason.message;
}
