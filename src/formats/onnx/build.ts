import { ELEMENT, type OnnxAttribute, type OnnxNode, type OnnxTensor } from './types.ts';

/** Nodes and constants of a graph as it is written down, each under a name of its own. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly tensors: OnnxTensor[] = [];

  /** The name of what the node gives: `output`, or one made of its operator. */
  node(
    op: string,
    inputs: string[],
    attributes: Record<string, OnnxAttribute> = {},
    output?: string,
  ): string {
    const name = output ?? this.#name(op);
    this.nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  }

  /** As `node`, of a node that gives several values. */
  split(input: string, sizes: number[], axis: number): string[] {
    const outputs = sizes.map((_, index) => `${this.#name('Split')}_${index}`);
    this.nodes.push({
      op: 'Split',
      inputs: [input, this.ints(sizes)],
      outputs,
      attributes: { axis: { i: axis } },
    });
    return outputs;
  }

  floats(data: Float32Array, dims: number[]): string {
    return this.#tensor({ name: this.#name('weights'), type: ELEMENT.float, dims, data });
  }

  scalar(value: number): string {
    return this.floats(new Float32Array([value]), []);
  }

  /** int64, a list or a single one. */
  ints(values: number[] | number): string {
    const [list, dims] = Array.isArray(values) ? [values, [values.length]] : [[values], []];
    const data = BigInt64Array.from(list, BigInt);
    return this.#tensor({ name: this.#name('integers'), type: ELEMENT.int64, dims, data });
  }

  #tensor(tensor: OnnxTensor): string {
    this.tensors.push(tensor);
    return tensor.name;
  }

  #name(what: string): string {
    return `${what}_${this.nodes.length}_${this.tensors.length}`;
  }
}
