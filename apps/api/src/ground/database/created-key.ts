/** Sort key of the row to go on after, in lists of the newest first. */
export interface CreatedKey {
  readonly createdAt: Date;
  readonly id: string;
}
