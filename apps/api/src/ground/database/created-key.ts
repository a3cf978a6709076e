/** Sort key of the row to continue after, in lists whose newest row comes first. */
export interface CreatedKey {
  readonly createdAt: Date;
  readonly id: string;
}
