/** What an agent reports about its adapter. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** 'cpu' for software drivers such as lavapipe and SwiftShader. */
  readonly adapterClass: 'cpu' | 'gpu';
  /** Lanes of a subgroup; null if the adapter has several sizes or does not tell. */
  readonly subgroupSize: number | null;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Driver name and version as the adapter states them; '' if it does not. */
  readonly driver: string;
}
