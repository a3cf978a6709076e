import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

/** The files of proto/, by their names and by the names that they define; reflection serves them. */
export class DescriptorIndex {
  private readonly files = new Map<string, FileDescriptorProto>();
  private readonly fileOfSymbol = new Map<string, FileDescriptorProto>();
  /** Full names, sorted. */
  readonly services: readonly string[];

  /** `set`: a google.protobuf.FileDescriptorSet. */
  constructor(set: Uint8Array) {
    const services: string[] = [];
    for (const file of fromBinary(FileDescriptorSetSchema, set).file) {
      this.files.set(file.name, file);
      for (const symbol of symbolsOf(file)) this.fileOfSymbol.set(symbol, file);
      services.push(...file.service.map(({ name }) => qualified(file.package, name)));
    }
    this.services = services.sort();
  }

  /** The file and all files that it imports, each serialized; undefined if there is no file of this name. */
  byName(name: string): Buffer[] | undefined {
    const file = this.files.get(name);
    return file && this.withImports(file);
  }

  /** The files for a message, enum, service or method, given by its full name. */
  bySymbol(symbol: string): Buffer[] | undefined {
    const file = this.fileOfSymbol.get(symbol);
    return file && this.withImports(file);
  }

  private withImports(file: FileDescriptorProto): Buffer[] {
    const found = new Map<string, FileDescriptorProto>();
    const add = (each: FileDescriptorProto | undefined): void => {
      if (each === undefined || found.has(each.name)) return;
      found.set(each.name, each);
      for (const name of each.dependency) add(this.files.get(name));
    };
    add(file);
    return [...found.values()].map((each) => Buffer.from(toBinary(FileDescriptorProtoSchema, each)));
  }
}

function symbolsOf(file: FileDescriptorProto): string[] {
  const services = file.service.flatMap((service) => {
    const name = qualified(file.package, service.name);
    return [name, ...service.method.map((method) => qualified(name, method.name))];
  });
  const enums = file.enumType.map(({ name }) => qualified(file.package, name));
  return [...services, ...enums, ...file.messageType.flatMap((message) => symbolsIn(message, file.package))];
}

function symbolsIn(message: DescriptorProto, parent: string): string[] {
  const name = qualified(parent, message.name);
  return [
    name,
    ...message.enumType.map((each) => qualified(name, each.name)),
    ...message.nestedType.flatMap((nested) => symbolsIn(nested, name)),
  ];
}

function qualified(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}
