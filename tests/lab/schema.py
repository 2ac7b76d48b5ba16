"""The part of JSON Schema that lab/bundle-schema.json uses."""

import re

TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None)}
KNOWN = {'$schema', '$defs', '$ref', 'title', 'type', 'required', 'additionalProperties', 'properties',
         'items', 'const', 'enum', 'minimum', 'minItems', 'maxItems', 'pattern'}


def is_type(value, name):
    if name == 'integer':
        return isinstance(value, int) and not isinstance(value, bool)
    if name == 'number':
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def mistakes(value, schema, root, at='$'):
    """All places where the value is not what the schema says."""
    assert set(schema) <= KNOWN, f'{at}: the schema uses {set(schema) - KNOWN}'
    if '$ref' in schema:
        schema = root['$defs'][schema['$ref'].removeprefix('#/$defs/')]
    names = schema.get('type', [])
    names = [names] if isinstance(names, str) else names
    if names and not any(is_type(value, name) for name in names):
        return [f'{at}: is a {type(value).__name__}, not {names}']
    found = []
    if 'const' in schema and value != schema['const']:
        found.append(f'{at}: is {value!r}, not {schema["const"]!r}')
    if 'enum' in schema and value not in schema['enum']:
        found.append(f'{at}: is {value!r}, not one of {schema["enum"]}')
    if 'minimum' in schema and is_type(value, 'number') and value < schema['minimum']:
        found.append(f'{at}: is {value!r}, below {schema["minimum"]}')
    if 'pattern' in schema and isinstance(value, str) and not re.search(schema['pattern'], value):
        found.append(f'{at}: is {value!r}, not like {schema["pattern"]}')
    if isinstance(value, dict):
        found += object_mistakes(value, schema, root, at)
    if isinstance(value, list):
        if not schema.get('minItems', 0) <= len(value) <= schema.get('maxItems', len(value)):
            found.append(f'{at}: has {len(value)} items')
        for index, item in enumerate(value):
            found += mistakes(item, schema.get('items', {}), root, f'{at}[{index}]')
    return found


def object_mistakes(value, schema, root, at):
    found = [f'{at}.{name}: is missing' for name in schema.get('required', []) if name not in value]
    others = schema.get('additionalProperties', True)
    for name, item in value.items():
        inner = schema.get('properties', {}).get(name, others)
        if inner is False:
            found.append(f'{at}.{name}: is not in the schema')
        elif inner is not True:
            found += mistakes(item, inner, root, f'{at}.{name}')
    return found
