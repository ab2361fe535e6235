interface Column {
  readonly label: string;
  /** `number` stands to the right, `extra` has no place on a phone. */
  readonly kind?: "number" | "extra" | "number extra";
}

/** The headings of a table's columns. */
export function TableHead({ columns }: { readonly columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map(({ label, kind }) => (
          <th key={label} scope="col" className={kind}>
            {label}
          </th>
        ))}
      </tr>
    </thead>
  );
}
