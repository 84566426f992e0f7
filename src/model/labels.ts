/** A label: value 1 means present, 0 means negative. */
export interface Concept {
  id: string;
  name: string;
  value: number;
}

/** Degrees, WGS 84: latitude −90…90, longitude −180…180. */
export interface Geo {
  latitude: number;
  longitude: number;
}

export type Metadata = Record<string, unknown>;
