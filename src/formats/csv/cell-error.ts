/** What is wrong with a cell. */
export class CellError extends Error {
  /** The offending character of the cell's text, where one can be named. */
  readonly offset: number | undefined;
  /** Index of the cell in its row; whoever knows it sets it. */
  cell: number | undefined;

  constructor(message: string, offset?: number) {
    super(message);
    this.offset = offset;
  }
}
