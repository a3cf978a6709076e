/** What an agent tells about its adapter. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** 'cpu' for software drivers such as lavapipe and SwiftShader. */
  readonly adapterClass: 'cpu' | 'gpu';
  /** Lanes of a subgroup; null where the adapter has several sizes or tells none. */
  readonly subgroupSize: number | null;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Driver name and version as the adapter states them; '' when it does not. */
  readonly driver: string;
}
