"""botocore's model of the API as a judge: of the requests that were sent, and of the answers that came."""

import json
import xml.etree.ElementTree

import botocore.loaders
import botocore.model
import botocore.validate

# The sandbox's names of services, where botocore has another.
SERVICES = {"elasticfilesystem": "efs", "tagging": "resourcegroupstaggingapi"}
_loaded = {}


def service(name):
    """The model of a service."""
    name = SERVICES.get(name, name)
    if name not in _loaded:
        _loaded[name] = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)
    return _loaded[name]


def requests(calls):
    """What botocore would not have let through: unknown members, wrong types, missing members, values out of range."""
    complaints = set()
    for call in calls:
        if call["service"] == "s3":
            # The log shows an S3 request as HTTP, not as members; the reading back shows what it did.
            continue
        api = service(call["service"])
        if call["operation"] not in api.operation_names:
            complaints.add(f"request {call['service']} {call['operation']}: no such operation")
            continue
        operation = api.operation_model(call["operation"])
        shape = operation.input_shape
        if shape is None:
            continue
        where = f"request {call['operation']}"
        given = call["input"]
        if api.resolved_protocol in ("ec2", "query"):
            given = members(shape, given, api.resolved_protocol, where, complaints)
        report = botocore.validate.ParamValidator().validate(given, shape)
        if report.has_errors():
            complaints.add(f"{where}: {report.generate_report()}")
        enums(shape, given, where, complaints)
    return sorted(complaints)


def members(shape, given, protocol, where, complaints):
    """A request of names on the wire as one of members: both query protocols write everything as text."""
    if shape.type_name == "structure":
        names = {}
        for member, inner in shape.members.items():
            wire = inner.serialization.get("name", member)
            if protocol == "ec2":
                wire = inner.serialization.get("queryName", wire[:1].upper() + wire[1:])
            names[wire] = (member, inner)
        result = {}
        for wire, value in (given or {}).items():
            if wire not in names:
                complaints.add(f"{where}: {wire} is no member of {shape.name}")
                continue
            member, inner = names[wire]
            result[member] = members(inner, value, protocol, where, complaints)
        return result
    if shape.type_name == "list":
        return [members(shape.member, item, protocol, where, complaints) for item in given]
    if shape.type_name in ("integer", "long"):
        return int(given)
    if shape.type_name == "boolean":
        return given if isinstance(given, bool) else {"true": True, "false": False}[given]
    return given


def enums(shape, given, where, complaints):
    """ParamValidator looks at types only; AWS refuses words that are not in the model."""
    if shape.type_name == "structure":
        for member, value in given.items():
            if member in shape.members:
                enums(shape.members[member], value, f"{where}.{member}", complaints)
    elif shape.type_name == "list":
        for value in given:
            enums(shape.member, value, where, complaints)
    elif shape.type_name == "string" and getattr(shape, "enum", None) and given not in shape.enum:
        complaints.add(f"{where}: {given} is none of {shape.enum}")


class Strict:
    """Looks at every answer before boto3 reads it, since boto3 overlooks what it does not know."""

    def __init__(self):
        self.complaints = []
        self.seen = set()

    def watch(self, client):
        client.meta.events.register("before-parse.*", self.look)

    def look(self, operation_model, response_dict, **_):
        name = operation_model.service_model.service_name
        self.seen.add((name, operation_model.name))
        shape = operation_model.output_shape
        if response_dict["status_code"] >= 300 or shape is None:
            return
        body = response_dict["body"]
        where = f"answer {operation_model.name}"
        protocol = operation_model.service_model.resolved_protocol
        if not isinstance(body, bytes) or "payload" in shape.serialization and shape.members[shape.serialization["payload"]].type_name in ("blob", "string"):
            return
        if protocol in ("json", "rest-json"):
            self.json(shape, json.loads(body or b"{}"), where)
        elif body:
            self.xml_answer(operation_model, shape, xml.etree.ElementTree.fromstring(body), where)

    def complain(self, text):
        if text not in self.complaints:
            self.complaints.append(text)

    def json(self, shape, value, where):
        kinds = {
            "structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int, "boolean": bool,
            "timestamp": (int, float), "double": (int, float), "float": (int, float), "blob": str,
        }
        if not isinstance(value, kinds[shape.type_name]) or isinstance(value, bool) and shape.type_name != "boolean":
            self.complain(f"{where}: {value!r} is no {shape.type_name}")
        elif shape.type_name == "structure":
            for member, inner in value.items():
                names = {one.serialization.get("name", name): one for name, one in shape.members.items()}
                if member not in names:
                    self.complain(f"{where}.{member} is in no answer of AWS")
                else:
                    self.json(names[member], inner, f"{where}.{member}")
            for member in shape.required_members:
                wire = shape.members[member].serialization
                if wire.get("name", member) not in value and wire.get("location") is None:
                    self.complain(f"{where}.{member} is always there in AWS's answers")
        elif shape.type_name == "list":
            for inner in value:
                self.json(shape.member, inner, f"{where}[]")
        elif shape.type_name == "map":
            for inner in value.values():
                self.json(shape.value, inner, f"{where}{{}}")
        elif shape.type_name == "string":
            self.word(shape, value, where)

    def word(self, shape, value, where):
        if getattr(shape, "enum", None) and value not in shape.enum:
            self.complain(f"{where}: {value} is none of {shape.enum}")

    def xml_answer(self, operation, shape, root, where):
        wrapper = shape.serialization.get("resultWrapper")
        if wrapper:
            inner = [child for child in root if local(child) == wrapper]
            if not inner:
                return self.complain(f"{where}: no {wrapper}")
            root = inner[0]
        payload = shape.serialization.get("payload")
        if payload:
            shape = shape.members[payload]
        self.xml(shape, root, where, top=True)

    def xml(self, shape, element, where, top=False):
        if shape.type_name == "structure":
            names = {}
            for member, inner in shape.members.items():
                flat = inner.type_name == "list" and inner.serialization.get("flattened")
                name = inner.serialization.get("name", inner.member.serialization.get("name", member) if flat else member)
                names[name] = inner
            for child in element:
                name = local(child)
                if name in names:
                    inner = names[name]
                    flat = inner.type_name == "list" and inner.serialization.get("flattened")
                    self.xml(inner.member if flat else inner, child, f"{where}.{name}")
                elif not (top and name in ("requestId", "ResponseMetadata")):
                    self.complain(f"{where}.{name} is in no answer of AWS")
        elif shape.type_name == "list":
            expected = shape.member.serialization.get("name", "member")
            for child in element:
                if local(child) != expected:
                    self.complain(f"{where}: {local(child)} should be {expected}")
                self.xml(shape.member, child, f"{where}[]")
        elif shape.type_name == "boolean" and element.text not in ("true", "false"):
            self.complain(f"{where}: {element.text!r} is no boolean")
        elif shape.type_name in ("integer", "long"):
            if not (element.text or "").lstrip("-").isdigit():
                self.complain(f"{where}: {element.text!r} is no number")
        elif shape.type_name == "string":
            self.word(shape, element.text or "", where)


def local(element):
    return element.tag.rsplit("}", 1)[-1]
