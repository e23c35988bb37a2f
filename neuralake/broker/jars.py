"""The jars of a broker of Apache Kafka: its own, and what it needs to run as one node.

They are those that Maven resolves for ``kafka_2.13``, without what serves OAuth, a ZooKeeper's
migration, and Scala's reflection; and SLF4J's smallest logger, by which a broker that does not
start says why.
"""

from __future__ import annotations

from neuralake.java.jar import Jar

KAFKA_VERSION = "4.4.0"


def _kafka(name: str, sha256: str) -> Jar:
    return Jar("org.apache.kafka", name, KAFKA_VERSION, sha256)


KAFKA_JARS = (
    Jar(
        "at.yawk.lz4",
        "lz4-java",
        "1.11.2",
        "8a7458657938e9b692224db83aac458c13abd7a59ab75c3d3b08bd2233a646a2",
    ),
    Jar(
        "com.dynatrace.hash4j",
        "hash4j",
        "0.22.0",
        "23028a3fd006e530bf495f551083208187cafd8f80624d048eba56442f16a50e",
    ),
    Jar(
        "com.fasterxml.jackson.core",
        "jackson-annotations",
        "2.21",
        "53ca085f4a150f703f49e1aabd935bd03b43e1ea3d55d135438292af22cef56b",
    ),
    Jar(
        "com.fasterxml.jackson.core",
        "jackson-core",
        "2.21.7",
        "8c5623b98f32d5f7e1287ff61ed50e08ab7b11381e991fff89327faabba42261",
    ),
    Jar(
        "com.fasterxml.jackson.core",
        "jackson-databind",
        "2.21.7",
        "1290c2795e93e8a6861a6c4d9ff0d844d32f5ea178362cb2721edf5561e828b1",
    ),
    Jar(
        "com.fasterxml.jackson.dataformat",
        "jackson-dataformat-yaml",
        "2.21.7",
        "df2b3e6a194181dc067b7211d750926b4ae9e4f3c892a0005b8219a9b59be681",
    ),
    Jar(
        "com.fasterxml.jackson.datatype",
        "jackson-datatype-jdk8",
        "2.21.7",
        "b8f62f98363ed9aa259b3a479a64fcbe7e081158a8bec6733972e900d12f4e47",
    ),
    Jar(
        "com.github.ben-manes.caffeine",
        "caffeine",
        "3.2.0",
        "ec411dfdf0c03f25218648ce89861630b71680e5858a9a7278ebac8e55cab3d7",
    ),
    Jar(
        "com.github.luben",
        "zstd-jni",
        "1.5.7-17",
        "c9043e2da8a16c13b6cd7661a5cb56685a573c3546ef4bd0ead67b0b67c2e107",
    ),
    Jar(
        "com.google.re2j",
        "re2j",
        "1.8",
        "7b52c72156dd7f98b3237a5b35c1d34fba381b21048c89208913ad80a45dfbd7",
    ),
    Jar(
        "com.typesafe.scala-logging",
        "scala-logging_2.13",
        "3.9.6",
        "0ad0c3f4d89d538b3b6c300158555e266aa69cf1b5f6522aba8b5bad238eb994",
    ),
    Jar(
        "com.yammer.metrics",
        "metrics-core",
        "2.2.0",
        "6b7a14a6f34c10f8683f7b5e2f39df0f07b58c7dff0e468ebbc713905c46979c",
    ),
    Jar(
        "commons-validator",
        "commons-validator",
        "1.10.1",
        "ed74711a78d793ca37f6075e4a1e93d107233dfd20d0bb17e32bad88d38e56aa",
    ),
    Jar(
        "net.sf.jopt-simple",
        "jopt-simple",
        "5.0.4",
        "df26cc58f235f477db07f753ba5a3ab243ebe5789d9f89ecf68dd62ea9a66c28",
    ),
    Jar(
        "net.sourceforge.argparse4j",
        "argparse4j",
        "0.7.0",
        "65ceb669d88f63306c680f8088bbf765bbca72d288a61a03703000076c3d3f56",
    ),
    _kafka("kafka-clients", "1ab07317eb6633241392449d329dbdc5d9251e6ffc4926860f42dd966e88bdf9"),
    _kafka(
        "kafka-coordinator-common",
        "e380267a17981edbadaa2e2e785f18dc1b5671abf2d1084eb7da06a765c71d0c",
    ),
    _kafka(
        "kafka-group-coordinator",
        "3fc830ace54f6a13f9f536bc0564bf39a68797365a4c4b194bd7db4fb893b2bc",
    ),
    _kafka(
        "kafka-group-coordinator-api",
        "bf11d7586c7363ba72a16ac5ef80c65365de9166469f7f6fc4ac5d2e0a98213a",
    ),
    _kafka("kafka-metadata", "6c52de74ecd670332e1e1324f5d40311275ac49b22699b6722e5fb07dd266fcb"),
    _kafka("kafka-raft", "687f278ce5d82b7f53644643e21e1a7452530f202826108990f0fe4f3d334d4f"),
    _kafka("kafka-server", "5f5456c2976203525080220212639f7033274b94458ceabf44197f4800bd615c"),
    _kafka(
        "kafka-server-common", "e50931831a27a2f3eb6cf74e8d63cc325b4e98656f30e94f8829297951ca5080"
    ),
    _kafka(
        "kafka-share-coordinator",
        "6969a7961ca98d37a039bbe0af0fe761d6b0dd07ca9666802f47821167afbb6e",
    ),
    _kafka("kafka-storage", "9eaa4dafacc251080ece0efa8511283da5de6931e843457f6af87f02f9b50039"),
    _kafka("kafka-storage-api", "edd47a86cdce283fc15d033090417a5dec29642eb807713f2e807e3c46b5ca46"),
    _kafka("kafka-tools-api", "348b63a7d22739703ad34613a1154702568d462c3a8adb1dd655482251f4e529"),
    _kafka(
        "kafka-transaction-coordinator",
        "1d5324d59776d6b7f324cfdc87647b1e88f9823332201c0324e7ae9f210d915d",
    ),
    _kafka("kafka_2.13", "76d3314f873571677ff98620ab9a431e508e3687f921a3df4f70d692a970475e"),
    Jar(
        "org.apache.logging.log4j",
        "log4j-api",
        "2.25.5",
        "64777f73ea0b3104c04eb82befbdccc30a425a19e83ad06cb2f93aa303511863",
    ),
    Jar(
        "org.apache.logging.log4j",
        "log4j-core",
        "2.25.5",
        "050c4f85deb48b055e9c041ac39043fbb79ce477841a11a1eb2969c86c6a0072",
    ),
    Jar(
        "org.hdrhistogram",
        "HdrHistogram",
        "2.2.2",
        "22d1d4316c4ec13a68b559e98c8256d69071593731da96136640f864fa14fad8",
    ),
    Jar(
        "org.pcollections",
        "pcollections",
        "4.0.2",
        "2bbeef5797a241300c4f7513cd546239629ed7deda4fc0c31df90bb95f5f13ef",
    ),
    Jar(
        "org.scala-lang",
        "scala-library",
        "2.13.18",
        "4e85d96ff7bc7dc627985523c3541b9917aaa08e956391380c42db21a2c4e5a0",
    ),
    Jar(
        "org.slf4j",
        "slf4j-api",
        "1.7.36",
        "d3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0",
    ),
    Jar(
        "org.slf4j",
        "slf4j-simple",
        "1.7.36",
        "2f39bed943d624dfa8f4102d0571283a10870b6aa36f197a8a506f147010c10f",
    ),
    Jar(
        "org.xerial.snappy",
        "snappy-java",
        "1.1.10.7",
        "4c766cb3f855415ee734b2392949a0b6f12a60879334a74518deaf6270d32e36",
    ),
)
